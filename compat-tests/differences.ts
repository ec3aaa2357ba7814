// The ledger of deliberate differences: where Leveret does not do what the newest RabbitMQ does, and why. A
// test consults it by id (`differs('header-order')`) to expect the other value on Leveret; the report prints
// it. Invariant: a difference that is not here is a bug, and an entry that no test consults is dead
// (report.ts says so).

export interface Difference {
  readonly id: string
  readonly what: string
  readonly leveret: string
  readonly rabbit: string
  readonly reason: string
  /** Of the management API: which endpoints, in words. */
  readonly http?: string
}

const entries = {
  'product-name': {
    what: '`product` in the server properties',
    leveret: '`Leveret`, with its own version, platform, copyright and information',
    rabbit: '`RabbitMQ`',
    reason: 'It is not RabbitMQ. Clients that look for that name fall back to the standard, which they get.',
  },
  'protocol-header': {
    what: 'Answer to a protocol header that is refused',
    leveret: '`AMQP 0 0 9 1`',
    rabbit: '4.x: `AMQP 3 1 0 0`, the header of AMQP 1.0 SASL; 3.x: `AMQP 0 0 9 1`',
    reason: 'Leveret has no AMQP 1.0; the specification asks for the version that would be accepted.',
  },
  'mechanisms': {
    what: 'SASL mechanisms offered',
    leveret: '`AMQPLAIN PLAIN`',
    rabbit: '4.x: `AMQPLAIN PLAIN ANONYMOUS`; 3.x: `AMQPLAIN PLAIN`',
    reason: 'A login without a name or password is nothing to offer unasked.',
  },
  'frame-max-4096': {
    what: 'Smallest frame-max a client may ask for',
    leveret: '4096',
    rabbit: '4.x: 8192, less is a silent close; 3.x: 4096',
    reason: 'The specification\'s minimum; older amqplib asks for it and would be locked out.',
  },
  'tune-refused': {
    what: 'A frame-max or channel-max outside the offer',
    leveret: 'connection closed with 530 `NOT_ALLOWED - frame_max … is …`',
    rabbit: 'dropped after 3 seconds without a word',
    reason: 'A client that is told why can be repaired.',
  },
  'tune-zero': {
    what: 'A frame-max or channel-max of 0 in tune-ok',
    leveret: 'taken as "no wish of my own": the offer holds',
    rabbit: 'dropped after 3 seconds without a word, as above the offer',
    reason: 'The specification lets a client answer 0 for "no limit"; the broker still keeps its own.',
  },
  'global-qos': {
    what: '`basic.qos` with global=true',
    leveret: 'limits the whole channel',
    rabbit: '4.3: treated as global=false without a word; 3.x: limits the whole channel',
    reason: '4.3 only lost something here; clients that use it rely on it.',
  },
  'header-order': {
    what: 'Order of, and duplicates among, the top-level headers of a message',
    leveret: 'as published',
    rabbit: '4.x: sorted by name, the first of duplicates kept; 3.x: as published',
    reason: 'A message is delivered with the bytes it came with.',
  },
  'delivery-limit-nack': {
    what: '`basic.nack` with requeue, `basic.recover`: do they count towards `x-delivery-limit`?',
    leveret: 'yes, in a queue that was declared with a limit; under the default limit as 4.3',
    rabbit: '4.3: no, the message goes round for ever; 3.x: yes',
    reason: 'Clients requeue by basic.nack; a limit that was asked for is to end that, as it did in 3.x.',
  },
  'classic-delivery-limit': {
    what: '`x-delivery-limit` for a classic queue',
    leveret: 'accepted: every return counts, also over a restart, and redeliveries say so; none by default',
    rabbit: 'channel closed with 406 `… of queue type rabbit_classic_queue`',
    reason: 'A poison message is no better in a classic queue; asking for the limit is the way to have it.',
  },
  'dead-letter-counts': {
    what: '`x-acquired-count`, `x-delivery-count` and `redelivered` at the first delivery from a dead-letter '
      + 'queue, when both queues are quorum queues',
    leveret: 'none, false',
    rabbit: '4.x: those of the queue it died in',
    reason: 'The message is new in that queue; x-death tells its history. See `redelivered` above.',
  },
  'dead-letter-redelivered': {
    what: '`redelivered` at the first delivery from a dead-letter queue',
    leveret: 'false',
    rabbit: '4.x: true after `basic.reject`, and when a lost channel had requeued the message before it died '
      + '(after `basic.nack`: false); 3.x: false',
    reason: 'The message is new in that queue. 4.3 loses the distinction; Leveret keeps 3.x\'s meaning.',
  },
  'dead-letter-bcc': {
    what: 'Keys of the `BCC` header when a message is dead-lettered without x-dead-letter-routing-key',
    leveret: 'not used again: the header is removed at publish, and not remembered',
    rabbit: 'used again for routing, as those of `CC` are',
    reason: 'Not built: nobody was found to rely on it, and it would cost every message a field.',
  },
  'expiration-text': {
    what: 'The expiration property when it is written unusually: `+5000`, `0005000`',
    leveret: 'kept as published',
    rabbit: '4.x: rewritten, `5000`; 3.x: kept as published',
    reason: 'A message is delivered with the bytes it came with.',
  },
  'priority-expiry': {
    what: 'Priority queue: a message expires that came after one of lower priority',
    leveret: 'gone at its time',
    rabbit: 'stays, and is delivered after its time, unless something else makes the queue look',
    reason: 'An expired message is not delivered. A defect nobody can rely on.',
  },
  'quorum-reject-publish': {
    what: 'Quorum queue with x-overflow `reject-publish`: which message is the first to be rejected',
    leveret: 'the first that does not fit, as in a classic queue',
    rabbit: 'a later one: publishers hear that the queue is full after it was, and that it is not when it is '
      + 'down to 80 %',
    reason: 'There is one node, and no reason to be late.',
  },
  'quorum-length-bytes': {
    what: 'What counts towards x-max-length-bytes of a quorum queue',
    leveret: 'the bodies, as in a classic queue',
    rabbit: 'the bodies and, by its own measure, the properties',
    reason: 'One rule for both kinds, and one that a client can compute.',
  },
  'quorum-get-text': {
    what: 'Text of the 405 for `basic.get` on a quorum queue with a single active consumer',
    leveret: '`… not supported by quorum queues with single active consumer`',
    rabbit: '4.x: `… by <<"quorum">> queues …`; 3.x: as Leveret',
    reason: 'A slip of the pen in 4.x.',
  },
  'quorum-get-consumer': {
    what: 'The consumer count of a quorum queue while a message taken by `basic.get` is unsettled',
    leveret: 'without it',
    rabbit: 'one more for each channel that holds such a message',
    reason: '`basic.get` is no consumer, on a classic queue neither.',
  },
  'quorum-zero-ttl': {
    what: 'Reason of death in a full quorum queue with a time to live of 0 that nobody waits for',
    leveret: '`expired`: it is over at once, as in a classic queue',
    rabbit: 'it is over with the millisecond; what comes until then pushes it out, for `maxlen`',
    reason: 'What is told does not depend on the millisecond.',
  },
  'quorum-waiting-consumer': {
    what: 'The consumer count of a quorum queue with a single active consumer',
    leveret: 'all consumers, as of a classic queue',
    rabbit: 'without those that wait, and with those that were cancelled and hold messages',
    reason: 'A consumer is one, be it its turn or not.',
  },
  'single-active-gone': {
    what: 'A single active consumer of a quorum queue whose channel ends while it gives way to one of higher '
      + 'priority and holds messages',
    leveret: 'it is gone, and what it held goes to the next',
    rabbit: '4.3: it is counted among those that wait, and when its turn comes everything is delivered to '
      + 'nobody until the queue is deleted',
    reason: 'A defect that strands messages.',
  },
  'quorum-exclusive-consumer': {
    what: '`basic.consume` with exclusive=true on a quorum queue',
    leveret: 'enforced: 403 `ACCESS_REFUSED - … in exclusive use` for everybody else, as on a classic queue',
    rabbit: 'the flag is ignored',
    reason: 'A consumer that asked to be the only one is told when it cannot be, and is when it can.',
  },
  'stream-unavailable': {
    what: 'Declaring a queue with `x-queue-type` `stream`',
    leveret: '406 `… "unsupported queue type \'stream\'"`, what RabbitMQ says of a type it does not have',
    rabbit: 'declared',
    reason: 'Not built yet.',
  },
  'consumer-timeout-text': {
    what: 'The time in the 406 `delivery acknowledgement on channel … timed out. Timeout value used: …`',
    leveret: 'the one that was used, as 3.x',
    rabbit: '4.3: always `-1 ms`',
    reason: 'A defect nobody can rely on.',
  },
  'late-requeue': {
    what: '`basic.nack` or `basic.reject` with requeue of a delivery that has timed out',
    leveret: 'it is settled, as by an ack, and its consumer is served again',
    rabbit: '4.3: accepted, but the consumer gets nothing any more',
    reason: 'A defect nobody can rely on.',
  },
  'reply-tag-reuse': {
    what: 'A consumer with the tag that the channel\'s consumer of `amq.rabbitmq.reply-to` has',
    leveret: 'connection closed with 530 `NOT_ALLOWED - attempt to reuse consumer tag …`, as for any other',
    rabbit: 'accepted; deliveries and replies then carry the same tag',
    reason: 'The client could not tell them apart.',
  },
  'malformed-reply-name': {
    what: 'Declaring a name that begins with `amq.rabbitmq.reply-to.` and is no requester\'s',
    leveret: 'channel closed with 404 `NOT_FOUND`, as for a requester that is gone',
    rabbit: '4.x: connection closed with 541 `INTERNAL_ERROR`; 3.x: 404',
    reason: 'A wrong name is no internal error.',
  },
  'server-named-queue-type': {
    what: '`x-queue-type` of an unknown value, or no string, where the server is to name the queue',
    leveret: '406 `invalid arg \'x-queue-type\' for queue …`, as for a queue with a name',
    rabbit: '4.x: 406 `unknown queue type \'…\'`, and for no string connection closed with 541',
    reason: 'The same mistake gets the same answer, and a wrong argument is no internal error.',
  },
  'empty-queue-type': {
    what: '`x-queue-type` that is empty or `undefined`, for a queue that was declared with its type or '
      + 'without any, and the other way round',
    leveret: 'the default type of the vhost: equal to it',
    rabbit: '4.x: 406 `inequivalent arg \'x-queue-type\' … received \'\' but current is …`',
    reason: 'The two mean the same, and make the same queue.',
  },
  'duplicate-arguments': {
    what: 'The same name twice among the arguments of a binding',
    leveret: 'the last one counts',
    rabbit: 'both are compared with the message; `all` needs both to agree',
    reason: 'Arguments are a table, and a table has one field of a name.',
  },
  'long-header-tag': {
    what: 'Field tag `L` in message headers',
    leveret: 'kept',
    rabbit: '4.x: becomes `l`; 3.x: kept',
    reason: 'A message is delivered with the bytes it came with.',
  },
  'timestamp-match': {
    what: 'Headers exchange: a timestamp in the binding and the same one in the message',
    leveret: 'match',
    rabbit: '4.x: never match (the message\'s value is multiplied by 1000); 3.x: match',
    reason: 'A defect nobody can rely on.',
  },
  'transient-exchange': {
    what: 'A non-durable exchange after a restart of the broker',
    leveret: 'gone',
    rabbit: '4.3: still there; 3.x: gone',
    reason: 'The specification\'s meaning of transient; 4.3 keeps it by accident of its metadata store.',
  },
  'start-ok-too-large': {
    what: 'A start-ok larger than the 8192 bytes that a frame may have before tune',
    leveret: 'connection closed with 501 `FRAME_ERROR - … {frame_too_large,…}`',
    rabbit: 'dropped after 3 seconds without a word',
    reason: 'A client that is told why can be repaired.',
  },
  'hash-header-type': {
    what: 'Declaring an `x-consistent-hash` exchange with a `hash-header` that is no string',
    leveret: 'channel closed with 406 `PRECONDITION_FAILED - invalid type \'signedint\' for arg …`',
    rabbit: 'connection closed with 541 `INTERNAL_ERROR`',
    reason: 'The mistake is the client\'s, and the code says so.',
  },
  'unopened-publish': {
    what: '`basic.publish` on a channel that is not open, with a content that is not whole',
    leveret: 'connection closed with 504 `CHANNEL_ERROR - expected \'channel.open\'`, at the method',
    rabbit: 'asks for the content first: 505 `UNEXPECTED_FRAME` for what comes instead',
    reason: 'The first mistake is the one to be told of; a whole content is 504 with both.',
  },
  'hash-rebound': {
    what: 'A queue bound twice to an `x-consistent-hash` exchange loses one of the bindings',
    leveret: 'the other one still holds',
    rabbit: 'gets nothing until it is bound once more',
    reason: 'Who changes a weight binds anew and unbinds the old: messages would be lost. A defect nobody '
      + 'can rely on.',
  },
  'history-order': {
    what: 'What an exchange that is bound to an `x-recent-history` exchange gets of the history',
    leveret: 'oldest first, as a queue does',
    rabbit: 'newest first',
    reason: 'A defect nobody can rely on.',
  },
  'history-restart': {
    what: 'The history of a durable `x-recent-history` exchange after a restart of the broker',
    leveret: 'empty: it is kept in memory',
    rabbit: '4.3: as before, also of transient messages',
    reason: 'Keeping it would cost every publish a write to disk, for what late bindings get as a courtesy.',
  },
  'delayed-exchange': {
    what: 'Exchanges of type `x-delayed-message`',
    leveret: 'are there, of the type that `x-delayed-type` names; `x-delay` delays through any exchange, and '
      + 'routing is done when a message is published, so that mandatory and confirms say what becomes of it',
    rabbit: '406 `PRECONDITION_FAILED - unknown exchange type \'x-delayed-message\'` without the plugin, '
      + 'which routes when the delay is over',
    reason: 'Clients of the plugin, MassTransit among them, declare it and go on unchanged.',
  },
  'deduplication': {
    what: '`x-message-deduplication`, as an exchange\'s type and as an argument of queues and exchanges',
    leveret: 'messages with a known `x-deduplication-header` are confirmed and go nowhere; arguments and '
      + 'headers that make no sense are 406',
    rabbit: 'without the plugin 406 `PRECONDITION_FAILED - unknown exchange type '
      + '\'x-message-deduplication\'`, and arguments and headers of any value, which mean nothing',
    reason: 'Clients of the plugin go on unchanged; see docs/deduplication.md.',
  },
  'tx-queue-deleted': {
    what: '`tx.commit` with a message for a queue that was deleted since the publish',
    leveret: 'channel closed with 406 `PRECONDITION_FAILED - partial tx completion`',
    rabbit: 'connection closed with 506 `RESOURCE_ERROR - failed to deliver message: {not_found,…`',
    reason: 'The same answer as for a queue that refuses its message; other channels need not end for it.',
  },
  'unknown-class': {
    what: 'A method of an unknown class',
    leveret: 'connection closed with 503 `COMMAND_INVALID - unimplemented method`',
    rabbit: 'socket reset without a word',
    reason: 'A client that is told why can be repaired.',
  },
  'unknown-method': {
    what: 'An unknown method of a known class',
    leveret: 'connection closed with 501 `FRAME_ERROR - cannot decode <<>>` and the ids as received',
    rabbit: 'socket reset without a word (4.3.6)',
    reason: 'A client that is told why can be repaired.',
  },
  'undecodable-channel-0': {
    what: 'A method on channel 0 with arguments that cannot be decoded',
    leveret: 'connection closed with 501 `FRAME_ERROR - cannot decode …`, as on any other channel',
    rabbit: 'connection closed with 541 `INTERNAL_ERROR`',
    reason: 'The mistake is the client\'s, and the code says so.',
  },
  'cancel-ok-unknown': {
    what: '`basic.cancel-ok` from a client, with a tag that is no consumer\'s',
    leveret: 'let pass, as one with the tag of a consumer',
    rabbit: '4.x: connection closed with 541 `INTERNAL_ERROR`; 3.x: with 503, whatever the tag',
    reason: 'A client may answer the broker\'s cancel of a consumer that it has forgotten.',
  },
  'queue-master-locator': {
    what: 'Declaring a queue with `x-queue-master-locator`',
    leveret: 'accepted, with the values of x-queue-leader-locator; there is one node to choose',
    rabbit: '4.3: connection closed with 541 `INTERNAL_ERROR - Feature `queue_master_locator` is '
      + 'deprecated…`; 3.x: accepted',
    reason: '4.3 only lost something here; programs written for 3.x declare their queues with it.',
  },
  'undecodable-unimplemented': {
    what: 'A method that only a server sends, with arguments that cannot be decoded',
    leveret: 'connection closed with 503 `COMMAND_INVALID - unimplemented method`',
    rabbit: 'connection closed with 501 `FRAME_ERROR - cannot decode …`',
    reason: 'Arguments of what is refused anyway are not decoded.',
  },
  'nesting-limit': {
    what: 'Field tables nested deeper than 64 levels',
    leveret: 'connection closed with 501 `FRAME_ERROR - cannot decode …`',
    rabbit: 'accepted, to any depth that fits a frame',
    reason: 'Every loop has a bound; nobody was found to nest deeper than ten.',
  },
  'undecodable-properties': {
    what: 'Content properties that cannot be decoded',
    leveret: 'connection closed with 502 `SYNTAX_ERROR`',
    rabbit: 'connection closed with 541 `INTERNAL_ERROR`',
    reason: 'The mistake is the client\'s, and the code says so.',
  },
  'http-challenge': {
    what: 'HTTP: `WWW-Authenticate` of a 401 with a body',
    leveret: 'there, as on every 401',
    rabbit: 'only when no credentials were sent',
    reason: 'RFC 9110 demands it.',
    http: 'all',
  },
  'http-reason': {
    what: 'HTTP: `reason` of a value that does not fit',
    leveret: 'a text that names the field, the problem and the value',
    rabbit: 'an array with the problem and the value, or a text that depends on Erlang',
    reason: 'A reason is a text in every other answer; clients that expect one fail on an array.',
    http: 'all with a body',
  },
  'http-500': {
    what: 'HTTP: arguments that are no object',
    leveret: '400 with a reason',
    rabbit: '500 without a body',
    reason: 'The mistake is the client\'s.',
    http: '`PUT /api/queues/…`, `PUT /api/exchanges/…`, `POST /api/bindings/…`',
  },
  'http-absent': {
    what: 'HTTP: fields that describe Erlang or RabbitMQ\'s storage (`reductions`, `garbage_collection`, '
      + '`memory`, `messages_ram`, `online`, `idle_since`, …)',
    leveret: 'absent',
    rabbit: 'there',
    reason: 'Nothing in Leveret has that meaning, and an invented number misleads more than none.',
    http: '`GET` of overview, nodes, queues, exchanges, connections, channels, consumers',
  },
  'permission-cache': {
    what: 'A permission that is taken away, on a channel that used it',
    leveret: 'is refused at once',
    rabbit: 'lasts until the channel was idle for a while: channels answer from a cache',
    reason: 'Whoever revokes something wants it to end; asking anew costs nothing per message here.',
  },
  'http-empty-object': {
    what: 'HTTP: `properties` of a message that has none',
    leveret: '`{}`',
    rabbit: '`[]`',
    reason: 'An object in every other answer; Erlang cannot tell an empty one from a list.',
    http: '`POST /api/queues/{vhost}/{queue}/get`',
  },
  'definitions-missing-queue': {
    what: 'Definitions with a binding to a queue that is neither in them nor there',
    leveret: 'taken in without that binding',
    rabbit: '400 `{resources_missing,…}`, after everything before that binding was taken in',
    reason: 'RabbitMQ\'s own exports have them: it leaves exclusive queues out, and their bindings in.',
    http: '`POST /api/definitions`',
  },
  'http-extensions': {
    what: 'HTTP: `/api/extensions`',
    leveret: '`[]`',
    rabbit: 'scripts of RabbitMQ\'s own pages',
    reason: 'Those pages are not served.',
    http: '`GET /api/extensions`',
  },
  'http-topic-exchange': {
    what: 'HTTP: `GET /api/topic-permissions/{vhost}/{user}/{exchange}`',
    leveret: 'that of the exchange',
    rabbit: 'those of the user on every exchange',
    reason: 'Whoever names an exchange asks about it. A defect nobody can rely on.',
    http: '`GET /api/topic-permissions/{vhost}/{user}/{exchange}`',
  },
  'http-content-type': {
    what: 'HTTP: a body that does not say that it is JSON, for an operator policy or the definitions of a '
      + 'vhost',
    leveret: 'taken, as everywhere',
    rabbit: '415 there, taken elsewhere',
    reason: 'One rule for all, and the one that refuses nothing that it understands.',
    http: '`PUT /api/operator-policies/{vhost}/{policy}`, `POST /api/definitions/{vhost}`',
  },
  'http-features': {
    what: 'HTTP: feature flags and deprecated features',
    leveret: '`[]`',
    rabbit: 'those of its versions',
    reason: 'They are for upgrading a cluster node by node; there is one node, and none of them is in it.',
    http: '`GET /api/feature-flags`, `GET /api/deprecated-features`, `GET /api/deprecated-features/used`',
  },
  'http-missing': {
    what: 'HTTP: endpoints of clusters, of Erlang and of RabbitMQ\'s own pages',
    leveret: '501 or 404; `docs/http-endpoints.md` lists them',
    rabbit: 'there',
    reason: 'Each has its reason in that list.',
    http: 'those that are not built',
  },
} as const satisfies Record<string, Omit<Difference, 'id'>>

export type DifferenceId = keyof typeof entries

export const differences = Object.fromEntries(
  Object.entries(entries).map(([id, entry]) => [id, { id, ...entry }]),
) as Record<DifferenceId, Difference>
