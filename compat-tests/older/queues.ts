// Rows of the table of versions (table.ts): what queues are declared with, and what they and their consumers
// do, quorum queues above all.

import type { OlderDifference } from './difference.ts'

export const ofQueues = {
  'queue-master-locator': {
    what: 'Declaring a queue with `x-queue-master-locator`',
    older: 'accepted',
    newest: 'connection closed with 541, for a deprecated feature',
    since: '4.3.0', source: 'behaviours §12.33, release notes 4.3.0 (deprecated features denied)',
  },
  'server-named-queue-type': {
    what: '`x-queue-type` of an unknown value where the server is to name the queue',
    older: 'connection closed with 541',
    newest: 'channel closed with 406',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'queue-arguments',
      titles: /^a queue type that is unknown, where the server/, sees: /INTERNAL_ERROR/,
    }],
  },
  'named-argument': {
    what: 'Which of several arguments that do not fit is named, where the type is not said',
    older: 'the first, or the empty type',
    newest: 'the first by name',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'queue-arguments', titles: /that comes first by name, where it is (not|empty) \(4\.x\)$/,
      sees: /to contain 'invalid arg/,
    }],
  },
  'queue-version': {
    what: '`x-queue-version` 1',
    older: 'accepted',
    newest: 'channel closed with 406',
    since: '4.3.0', source: 'behaviours §12.30, release notes 4.3.0',
    fails: [{
      file: 'queue-arguments', titles: /^refused with 406: x-queue-version I 1$/,
      sees: /queue\.declare-ok/,
    }],
  },
  'queue-mode': {
    what: '`x-queue-mode` of any value',
    older: '`default` and `lazy` alone; channel closed with 406',
    newest: 'accepted, and not looked at',
    since: 'by 4.3', source: 'behaviours §12.29; modes mean nothing since 3.12.0',
    fails: [{
      file: 'queue-arguments', titles: /^a classic queue takes x-queue-mode of any/,
      sees: /invalid arg 'x-queue-mode'/,
    }],
  },
  'empty-queue-type': {
    what: '`x-queue-type` that is empty or `undefined`',
    older: 'channel closed with 406',
    newest: 'the default type of the vhost',
    since: 'by 4.3', source: 'behaviours §12.31',
    fails: [{
      file: 'queue-arguments',
      titles: /^a classic queue takes (an empty x-queue-type|x-queue-type undefined)$/,
      sees: /unsupported queue type/,
    }],
  },
  'queue-leader-locator': {
    what: '`x-queue-leader-locator` for a classic queue, and the value min-masters',
    older: 'channel closed with 406',
    newest: 'accepted',
    since: '4.0.1', source: 'behaviours §12.32, release notes 4.0.1',
    fails: [
      {
        file: 'queue-arguments', titles: /x-queue-leader-locator/,
        sees: /invalid arg 'x-queue-leader|code: 406/,
      },
      {
        file: 'queue-kinds', titles: /^a quorum queue takes x-queue-leader-locator min-masters$/,
        sees: /queue_locator_arg/,
      },
    ],
  },
  'new-arguments': {
    what: 'Arguments of queues that 3.10 does not know: x-consumer-timeout, x-consumer-disconnected-timeout, '
      + 'x-delayed-retry-*, x-stream-filter-size-bytes',
    older: 'accepted, and not looked at',
    newest: 'channel closed with 406 where they do not fit',
    since: '4.3.0', source: 'behaviours §12.32, release notes 3.13.0 (stream filters) and 4.3.0',
    fails: [
      {
        file: 'queue-arguments',
        titles: /^a classic queue refuses x-(consumer-|delayed-retry-|stream-filter-size)/,
        sees: /queue\.declare-ok/,
      },
      {
        file: 'queue-kinds',
        titles: /^a quorum queue (is refused with 406: x-consumer-|refuses x-stream-filter-size)/,
        sees: /queue\.declare-ok/,
      },
    ],
  },
  'new-consumer-arguments': {
    what: 'Arguments of consumers that 3.10 does not know: x-stream-filter, x-stream-match-unfiltered, '
      + 'x-consumer-timeout',
    older: 'accepted, and not looked at',
    newest: 'channel closed with 406 where they do not fit',
    since: '4.3.0', source: 'behaviours §12.32, release notes 3.13.0 (stream filters) and 4.3.0',
    fails: [
      {
        file: 'consumer-priorities',
        titles: /a classic queue may not give x-(stream-filter|stream-match-unfiltered|consumer-timeout): /,
        sees: /basic\.consume-ok/,
      },
      {
        file: 'queue-kinds', titles: /^a consumer of a quorum queue refuses x-consumer-timeout/,
        sees: /basic\.consume-ok/,
      },
    ],
  },
  'queue-type-stored': {
    what: 'The type of a queue that was declared without one',
    older: 'no argument of it',
    newest: 'is its argument x-queue-type, in texts and lists',
    since: 'by 4.3', source: 'behaviours §12.34',
    fails: [
      {
        file: 'queue-kinds', titles: /: (no type where there was quorum|quorum where there was classic)$/,
        sees: /code: 406/,
      },
      {
        file: 'command-line', titles: /^rabbitmqctl lists queues for scripts$/,
        sees: /deeply equal \[ \+?0, '', 4/,
      },
      { file: 'http-topology', titles: /^a queue is new once/, sees: /to match object/ },
    ],
  },
  'default-queue-type': {
    what: 'The default type of the queues of a vhost, over the management API',
    older: 'another key: `defaultqueuetype`',
    newest: '`default_queue_type`',
    since: '3.11.12', source: 'release notes 3.10.8 and 3.11.12',
    fails: [{
      file: 'default-queue-type',
      titles: new RegExp('^(a queue (that says no type|of type)|an empty type asks|a durable queue that the '
        + 'server|an argument of classic queues|declaring again without|declaring a (classic )?queue (again'
        + '|of)|over HTTP|definitions have|another default|a vhost tells|an unknown default|an imported)'),
      sees: /classic|unsupported queue type|code: 406|declare-ok|default_queue_type|status: 201/,
    }],
  },
  'quorum-counts': {
    what: 'Headers that tell how often a quorum queue tried a message',
    older: 'x-delivery-count, from 0 on, whatever gave the message back',
    newest: 'x-acquired-count, and x-delivery-count of what failed, when they are more than 0',
    since: '4.3.0', source: 'behaviours §12.35 and §12.36, release notes 3.12.0 and 4.3.0',
    fails: [
      {
        file: 'quorum-redelivery',
        titles: new RegExp('^(a first delivery says nothing|after .* it says what was counted|the counts add '
          + 'up|a consumer is told as|the loss of a connection|the rest of a redelivered|counts that a '
          + 'client|a message that is rejected again and again|basic\\.nack (goes on|under a limit))'),
        sees: /deeply equal|to match object|to be null/,
      },
      { file: 'quorum-delayed-retries', titles: /^it says how often it failed$/, sees: /x-delivery-count/ },
      {
        file: 'quorum-durability', titles: /^after a restart a quorum queue has all/,
        sees: /deeply equal \[ 'tried'/,
      },
    ],
  },
  'quorum-letter-counts': {
    what: 'Counts and `redelivered` of a letter from one quorum queue in another',
    older: 'begin anew, false',
    newest: 'those of the queue it died in, true',
    since: 'by 4.3', source: 'behaviours §12.19 and §12.35',
    fails: [{
      file: 'quorum-redelivery', titles: /^what exceeded its limit is dead-lettered/,
      sees: /\[ false, null, \+?0 \] to deeply equal \[ true, 2, 2 \]/,
    }],
  },
  'quorum-requeue-position': {
    what: 'Where a message goes that comes back to a quorum queue without a delivery limit',
    older: 'to the end',
    newest: 'before what is ready',
    since: '4.0.1', source: 'behaviours §12.37, release notes 3.10.0 and 4.0.1 (a default limit)',
    fails: [
      {
        file: 'quorum-redelivery',
        titles: /^(what came back is served before the rest|with a prefetch of 1 what is nacked)/,
        sees: /deeply equal/,
      },
      {
        file: 'consuming',
        titles: /^quorum queue: (requeued messages are|nack multiple requeues|with prefetch 1 a requeued)/,
        sees: /deeply equal/,
      },
      {
        file: 'limits',
        titles: /^quorum queue: (messages given back|of messages given back|what is requeued is)/,
        sees: /deeply equal/,
      },
      {
        file: 'dead-letters', titles: /^quorum queue: a dead-letter queue may be full: drop-head$/,
        sees: /the newer letter/,
      },
    ],
  },
  'quorum-priorities': {
    what: 'Priorities of messages in a quorum queue',
    older: 'none',
    newest: '0 to 31, served strictly',
    since: '4.3.0', source: 'behaviours §12.38, release notes 4.0.1 (two levels) and 4.3.0',
    fails: [{
      file: 'quorum-redelivery',
      titles: /^(priorities are served strictly|what came back is served before what|drop-head drops)/,
      sees: /deeply equal/,
    }],
  },
  'negative-delivery-limit': {
    what: '`x-delivery-limit` -1',
    older: 'the message is gone after one delivery',
    newest: 'no limit',
    since: '4.0.1', source: 'behaviours §12.39, release notes 4.0.1',
    fails: [{
      file: 'quorum-redelivery', titles: /^a negative x-delivery-limit is none$/,
      sees: /a message in/,
    }],
  },
  'priority-zero': {
    what: '`x-max-priority` 0',
    older: 'no priorities',
    newest: 'as 1',
    since: 'by 4.3', source: 'behaviours §12.40',
    fails: [{
      file: 'priorities', titles: /^a maximum of 0 is taken for 1/,
      sees: /\[ '0', '1', '5', 'none' \] to/,
    }],
  },
  'consumer-timeout': {
    what: 'A consumer that does not settle in time',
    older: 'no argument says the time; the node\'s counts for queues of all types, looked at once a minute',
    newest: 'x-consumer-timeout of a quorum queue or its consumer; a cancel',
    since: '4.3.0', source: 'behaviours §12.41, release notes 4.3.0',
    fails: [{
      file: 'consumer-timeout',
      titles: new RegExp('^(after the time that|another consumer gets|the consumer gets nothing until|'
        + 'a late basic\\.reject|the consumer counts until|the channel is closed when|a single active)'),
      sees: /not within .* a frame/,
    }],
  },
  'quorum-single-active-consumer': {
    what: 'A single active consumer of a quorum queue and one of higher priority',
    older: 'priorities are not looked at',
    newest: 'it gives way, and the one of the highest priority is next',
    since: '4.0.1', source: 'behaviours §12.42, release notes 4.0.1',
    fails: [
      {
        file: 'quorum-queues',
        titles: /^(an idle single active|a busy single active|when the active one is cancelled)/,
        sees: /not within/,
      },
      {
        file: 'single-active-consumer', titles: /^quorum queue: of those that wait the one of the highest/,
        sees: /not within/,
      },
    ],
  },
  'single-active-gone': {
    what: 'The single active consumer of a quorum queue, when the channel of one before it was closed',
    older: 'gone with its own channel; the next is served',
    newest: 'is not, and the next gets nothing',
    since: 'by 4.3', source: 'seen; ledger `single-active-gone`',
  },
  'single-active-consumer-cancelled': {
    what: 'The single active consumer of a classic queue is cancelled, and another one of its channel waits',
    older: 'that one gets nothing while the channel holds what the first one got',
    newest: 'is served at once',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'single-active-consumer',
      titles: /^when the active one is cancelled the next is served at once$/, sees: /not within/,
    }],
  },
  'quorum-get-text': {
    what: 'Text of the 405 for `basic.get` on a quorum queue with a single active consumer',
    older: '`… by quorum queues …`',
    newest: '`… by <<"quorum">> queues …`',
    since: 'by 4.3', source: 'behaviours §12.43',
  },
  'quorum-global-qos': {
    what: 'A consumer of a quorum queue on a channel with a prefetch for all of it',
    older: 'connection closed with 540',
    newest: 'let pass: the prefetch is no global one',
    since: '4.3.0', source: 'release notes 4.3.0 (deprecated features denied)',
    fails: [
      {
        file: 'consuming', titles: /^quorum queue: a global prefetch limits the channel/,
        sees: /Channel ended/,
      },
      {
        file: 'queue-kinds', titles: /^a prefetch for the whole channel does not keep it/,
        sees: /Channel ended/,
      },
    ],
  },
  'quorum-length-bytes': {
    what: 'What counts towards x-max-length-bytes of a quorum queue',
    older: 'the bodies',
    newest: 'the bodies and the properties',
    since: 'by 4.3', source: 'seen',
  },
  'quorum-purge': {
    what: 'What a purge of a quorum queue says of letters that at-least-once keeps',
    older: 'nothing',
    newest: 'counts them',
    since: '4.3.0', source: 'release notes 4.3.0',
    fails: [{
      file: 'quorum-queues', titles: /^at-least-once: a letter that leads nowhere/,
      sees: /messageCount: \+?0 \}/,
    }],
  },
  'quorum-expiry': {
    what: 'Publishing to a quorum queue while it expires',
    older: 'may cost the connection, after five seconds: 541',
    newest: 'nacked or returned',
    since: 'by 4.3', source: 'seen',
    fails: [{
      file: 'expiry',
      titles: /^quorum queue: .*(unused queue|queue from exp|time of a queue|begins the time|expired queue)/,
      sees: /Channel closed/, mayPass: true,
    }],
  },
  'quorum-zero-ttl': {
    what: 'Getting a message with a time to live of 0 from a quorum queue',
    older: 'may be in time, within the same millisecond',
    newest: 'is too late',
    since: 'by 4.3', source: 'seen, now and then',
    fails: [{
      file: 'expiry', titles: /^quorum queue: (x-message-ttl|the expiration) 0: without a consumer/,
      sees: /\[ 'x' \] to deeply equal \[\]/, mayPass: true,
    }],
  },
  'quorum-delayed-retry': {
    what: 'Delayed retries of quorum queues',
    older: 'none',
    newest: 'x-delayed-retry-*',
    since: '4.3.0', source: 'release notes 4.3.0',
    fails: [
      { file: 'quorum-delayed-retries', titles: /^arguments with.* hold what/, sees: /'ready' to be 'held'/ },
      {
        file: 'quorum-delayed-retries', titles: /^the management API counts what is held/,
        sees: /not within/,
      },
      // A machine that is slow enough takes as long without any delay.
      {
        file: 'quorum-delayed-retries', titles: /^basic\.(reject|nack) waits/,
        sees: /greater than or equal/, mayPass: true,
      },
    ],
  },
} as const satisfies Record<string, OlderDifference>
