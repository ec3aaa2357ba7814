// Rows of the table of versions (table.ts): connections, exchanges, routing, messages, dead letters,
// transactions.

import type { OlderDifference } from './difference.ts'

export const ofMessages = {
  'protocol-header': {
    what: 'Answer to a protocol header that is refused',
    older: '`AMQP 0 0 9 1`',
    newest: '`AMQP 3 1 0 0`, the header of AMQP 1.0 SASL, unless 0-9 was asked for',
    since: '4.0', source: 'behaviours §12.1; AMQP 1.0 is in the core since 4.0',
  },
  'mechanisms': {
    what: 'SASL mechanisms offered',
    older: '`AMQPLAIN PLAIN`',
    newest: '`AMQPLAIN PLAIN ANONYMOUS`',
    since: '4.0', source: 'behaviours §12.3, release notes 4.0.1 (anonymous_login_user)',
  },
  'frame-max': {
    what: 'Smallest frame-max a client may ask for',
    older: '4096',
    newest: '8192',
    since: '4.1.0', source: 'behaviours §12.4, release notes 4.1.0',
  },
  'unknown-exchange-type': {
    what: 'Declaring an exchange of an unknown type',
    older: 'connection closed with 503 `COMMAND_INVALID`',
    newest: 'channel closed with 406 `PRECONDITION_FAILED`',
    since: 'by 4.3', source: 'behaviours §12.7',
    fails: [{
      file: 'exchange-types', titles: /^x-(delayed-message|message-deduplication) is an unknown type/,
      sees: /closed without an error of its own/,
    }],
  },
  'header-conversion': {
    what: 'Top-level headers: their order, duplicates, and the tag `L`',
    older: 'as published',
    newest: 'sorted by name, the first of duplicates kept, `L` made `l`',
    since: '3.13.0', source: 'behaviours §12.12 and §12.13, release notes 3.13.0 (message containers)',
  },
  'property-flags': {
    what: 'The continuation bit in the flags of content properties',
    older: 'passed on',
    newest: 'gone',
    since: '3.13.0', source: 'seen; message containers encode properties anew',
  },
  'expiration-text': {
    what: 'The expiration property when it is written unusually: `+5000`, `0005000`',
    older: 'kept as published',
    newest: 'rewritten, `5000`',
    since: '3.13.0', source: 'behaviours §12.14, release notes 3.13.0 (message containers)',
  },
  'delivery-mode': {
    what: 'A delivery mode that is neither 1 nor 2',
    older: 'channel closed with 406',
    newest: 'accepted, and kept',
    since: '3.13.0', source: 'behaviours §12.15, release notes 3.13.0 (message containers)',
  },
  'dead-letter-redelivered': {
    what: '`redelivered` at the first delivery from a dead-letter queue after `basic.reject`',
    older: 'false',
    newest: 'true',
    since: 'by 4.3', source: 'behaviours §12.19',
  },
  'header-number-match': {
    what: 'Headers exchange: an integer in the binding, a float of the same value in the message',
    older: 'match',
    newest: 'do not match',
    since: 'by 4.3', source: 'behaviours §12.20',
  },
  'timestamp-match': {
    what: 'Headers exchange: a timestamp in the binding and the same one in the message',
    older: 'match',
    newest: 'never match',
    since: 'by 4.3', source: 'behaviours §12.21',
  },
  'topic-wildcards': {
    what: 'A topic binding with more than two `#`',
    older: 'accepted',
    newest: 'channel closed with 406',
    since: '4.3.5', source: 'behaviours §12.22, release notes 4.3.5',
  },
  'malformed-reply-name': {
    what: 'Declaring a name that begins with `amq.rabbitmq.reply-to.` and is no requester\'s',
    older: 'channel closed with 404',
    newest: 'connection closed with 541',
    since: 'by 4.3', source: 'behaviours §12.24',
  },
  'cancel-ok': {
    what: '`basic.cancel-ok` from a client',
    older: 'connection closed with 503, whatever the tag',
    newest: 'let pass, and with a tag that is no consumer\'s connection closed with 541',
    since: 'by 4.3', source: 'behaviours §12.26',
  },
  'global-qos': {
    what: '`basic.qos` with global=true',
    older: 'limits the whole channel',
    newest: 'treated as global=false',
    since: '4.3.0', source: 'behaviours §12.27, release notes 4.3.0 (deprecated features denied)',
  },
  'transient-exchange': {
    what: 'A non-durable exchange after a restart of the broker',
    older: 'gone',
    newest: 'still there',
    since: 'by 4.3', source: 'behaviours §12.46',
  },
  'history-restart': {
    what: 'What an x-recent-history exchange remembers after a restart of the broker',
    older: 'nothing',
    newest: 'everything',
    since: 'by 4.3', source: 'seen; the metadata store is another one since 4.0',
  },
  'message-size': {
    what: 'Largest message',
    older: '128 MiB',
    newest: '16 MiB',
    since: '4.0.1', source: 'behaviours §12.5, release notes 4.0.1',
    fails: [{ file: 'messages', titles: /a body over 16 MiB is 406/, sees: /not within .* a frame/ }],
  },
  'body-size': {
    what: 'More body bytes than the content header announced, and a body over 512 MiB announced',
    older: 'accepted; the surplus is let pass',
    newest: 'connection closed with 501',
    since: 'by 4.3', source: 'behaviours §12.6',
    fails: [{
      file: 'framing', titles: /^(more body bytes than announced|an announced body over 512 MiB) /,
      sees: /not within .* a frame/,
    }],
  },
  'publish-order': {
    what: 'Of two mistakes in a publish which is noticed: a wrong user-id, or a bad expiration or CC header',
    older: 'the user-id',
    newest: 'the other one',
    since: '3.13.0', source: 'seen; message containers are made before the user-id is looked at',
    fails: [
      { file: 'expiry', titles: /a bad expiration is noticed before a user-id/, sees: /user_id propert/ },
      { file: 'publishing', titles: /a bad CC is noticed before a user-id/, sees: /user_id propert/ },
    ],
  },
  'death-history': {
    what: 'Headers of a dead letter',
    older: 'no x-last-death-*; original-expiration comes last; CC goes with x-dead-letter-routing-key; a '
      + 'history that a client publishes is counted on',
    newest: 'x-last-death-*; original-expiration comes first; CC stays; a history begins anew',
    since: '3.13.0', source: 'behaviours §12.16 to §12.18, release notes 3.13.0 (message containers)',
    fails: [{
      file: 'dead-letter-history',
      titles: /\(4\.x\)$|the order of the headers: /, sees: /deeply equal \{ 'x-death'/,
    }],
  },
  'death-order': {
    what: 'Order of the entries in x-death after a second death in a queue for another reason',
    older: 'those of one queue together',
    newest: 'the latest first',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'dead-letter-cycles',
      titles: /two deaths in one queue for two reasons/, sees: /deeply equal \[ \[ …\(3\)/,
    }],
  },
  'mandatory-reply': {
    what: 'A mandatory reply to `amq.rabbitmq.reply-to.*`',
    older: 'returned with NO_ROUTE, even while the requester lives',
    newest: 'counts as routed, even when the requester is gone',
    since: '4.2.0', source: 'behaviours §12.23, release notes 4.2.0',
    fails: [{
      file: 'direct-reply-to',
      titles: /^a mandatory reply counts as routed/, sees: /'basic\.return' to be 'basic\.ack'/,
    }],
  },
  'reply-name-as-queue': {
    what: 'Consuming, getting, purging, binding `amq.rabbitmq.reply-to.*`',
    older: 'channel closed with 404',
    newest: '406, 540, 0 messages, 403: it is a volatile queue',
    since: '4.2.0', source: 'behaviours §12.25, release notes 4.2.0 and 4.2.6',
    fails: [{
      file: 'direct-reply-to',
      titles: /^(consuming|getting from|queue\.purge of|binding) .*reply name.*\(4\.x\)$/,
      sees: /code: 404|NOT_FOUND/,
    }],
  },
  'cancelled-reply-name': {
    what: 'Declaring one\'s own reply name after the consumer was cancelled',
    older: 'connection closed with 541',
    newest: 'channel closed with 404',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'direct-reply-to',
      titles: /^the reply name is 404 after the consumer's cancel$/, sees: /INTERNAL_ERROR/,
    }],
  },
  'tx-queue-deleted': {
    what: 'A queue that a transaction routed to, deleted before its commit',
    older: 'routed at the commit: the message is returned, or goes to the queue that has the name then',
    newest: 'routed at the publish: the commit fails',
    since: '3.13.0', source: 'seen',
    fails: [{
      file: 'transactions', titles: /^a queue (that is deleted before the commit|deleted and declared again)/,
      sees: /got (basic\.return|tx\.commit-ok)/,
    }],
  },
  'exchange-types': {
    what: 'Exchange types `x-local-random` and `x-modulus-hash`',
    older: 'unknown',
    newest: 'there',
    since: '4.3.0', source: 'behaviours §12.49, release notes 4.0.1 and 4.3.0',
    fails: [{ file: 'exchange-types', titles: /^x-(local-random|modulus-hash): /, sees: /Channel ended/ }],
  },
  'hash-weight': {
    what: 'Largest weight of a queue at an x-consistent-hash exchange',
    older: 'none',
    newest: '10000; channel closed with 406',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'exchange-types', titles: /^x-consistent-hash: the binding key '10001' is 406$/,
      sees: /closes the channel/,
    }],
  },
  'hash-restart': {
    what: 'Which queue an x-consistent-hash exchange gives a key to, before and after a restart',
    older: 'may change: the queues come back in no fixed order',
    newest: 'the same one',
    since: 'by 4.3', source: 'seen, now and then',
    fails: [{
      file: 'durability', titles: /a consistent hash places keys as before$/,
      sees: /deeply equal/, mayPass: true,
    }],
  },
} as const satisfies Record<string, OlderDifference>
