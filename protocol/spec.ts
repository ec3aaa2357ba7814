// The method table of AMQP 0-9-1 as RabbitMQ extends it: ids, who sends what, arguments in wire order, reply
// codes. generate.ts turns it into methods.gen.ts and reply-codes.gen.ts; nothing reads it while the broker
// runs.

/** Wire types (AMQP 0-9-1 §4.2.1). Consecutive bits share octets, lowest bit first. */
export type WireType =
  | 'bit' | 'octet' | 'short' | 'long' | 'longlong' | 'shortstr' | 'longstr' | 'table'
  | 'anystr' // a short string that RabbitMQ does not check for UTF-8: those of basic.publish

/** Who sends a method: we decode what clients send and write what the server sends. */
export type Sender = 'client' | 'server' | 'both'

export interface MethodSpec {
  readonly classId: number
  readonly methodId: number
  readonly name: string
  readonly sender: Sender
  /** `name:type` in wire order. */
  readonly args: readonly string[]
  readonly hasContent?: true
}

type Row = readonly [methodId: number, name: string, sender: Sender, args: string, hasContent?: true]

const rows = (classId: number, className: string, methods: readonly Row[]): MethodSpec[] =>
  methods.map(([methodId, name, sender, args, hasContent]): MethodSpec => ({
    classId,
    methodId,
    name: `${className}.${name}`,
    sender,
    args: args === '' ? [] : args.split(' '),
    ...(hasContent && { hasContent }),
  }))

const closeArgs = 'replyCode:short replyText:shortstr failingClassId:short failingMethodId:short'
const tuneArgs = 'channelMax:short frameMax:long heartbeat:short'
const flags = 'passive:bit durable:bit'

export const METHODS: readonly MethodSpec[] = [
  ...rows(10, 'connection', [
    [10, 'start', 'server',
      'versionMajor:octet versionMinor:octet serverProperties:table mechanisms:longstr locales:longstr'],
    [11, 'start-ok', 'client', 'clientProperties:table mechanism:shortstr response:longstr locale:shortstr'],
    [20, 'secure', 'server', 'challenge:longstr'],
    [21, 'secure-ok', 'client', 'response:longstr'],
    [30, 'tune', 'server', tuneArgs],
    [31, 'tune-ok', 'client', tuneArgs],
    [40, 'open', 'client', 'virtualHost:shortstr capabilities:shortstr insist:bit'],
    [41, 'open-ok', 'server', 'knownHosts:shortstr'],
    [50, 'close', 'both', closeArgs],
    [51, 'close-ok', 'both', ''],
    [60, 'blocked', 'server', 'reason:shortstr'],
    [61, 'unblocked', 'server', ''],
    [70, 'update-secret', 'client', 'newSecret:longstr reason:shortstr'],
    [71, 'update-secret-ok', 'server', ''],
  ]),
  ...rows(20, 'channel', [
    [10, 'open', 'client', 'outOfBand:shortstr'],
    [11, 'open-ok', 'server', 'channelId:longstr'],
    [20, 'flow', 'both', 'active:bit'],
    [21, 'flow-ok', 'both', 'active:bit'],
    [40, 'close', 'both', closeArgs],
    [41, 'close-ok', 'both', ''],
  ]),
  ...rows(30, 'access', [
    [10, 'request', 'client', 'realm:shortstr exclusive:bit passive:bit active:bit write:bit read:bit'],
    [11, 'request-ok', 'server', 'ticket:short'],
  ]),
  ...rows(40, 'exchange', [
    [10, 'declare', 'client',
      `ticket:short exchange:shortstr type:shortstr ${flags} autoDelete:bit internal:bit nowait:bit `
      + 'arguments:table'],
    [11, 'declare-ok', 'server', ''],
    [20, 'delete', 'client', 'ticket:short exchange:shortstr ifUnused:bit nowait:bit'],
    [21, 'delete-ok', 'server', ''],
    [30, 'bind', 'client',
      'ticket:short destination:shortstr source:shortstr routingKey:shortstr nowait:bit arguments:table'],
    [31, 'bind-ok', 'server', ''],
    [40, 'unbind', 'client',
      'ticket:short destination:shortstr source:shortstr routingKey:shortstr nowait:bit arguments:table'],
    [51, 'unbind-ok', 'server', ''],
  ]),
  ...rows(50, 'queue', [
    [10, 'declare', 'client',
      `ticket:short queue:shortstr ${flags} exclusive:bit autoDelete:bit nowait:bit arguments:table`],
    [11, 'declare-ok', 'server', 'queue:shortstr messageCount:long consumerCount:long'],
    [20, 'bind', 'client',
      'ticket:short queue:shortstr exchange:shortstr routingKey:shortstr nowait:bit arguments:table'],
    [21, 'bind-ok', 'server', ''],
    [30, 'purge', 'client', 'ticket:short queue:shortstr nowait:bit'],
    [31, 'purge-ok', 'server', 'messageCount:long'],
    [40, 'delete', 'client', 'ticket:short queue:shortstr ifUnused:bit ifEmpty:bit nowait:bit'],
    [41, 'delete-ok', 'server', 'messageCount:long'],
    [50, 'unbind', 'client',
      'ticket:short queue:shortstr exchange:shortstr routingKey:shortstr arguments:table'],
    [51, 'unbind-ok', 'server', ''],
  ]),
  ...rows(60, 'basic', [
    [10, 'qos', 'client', 'prefetchSize:long prefetchCount:short global:bit'],
    [11, 'qos-ok', 'server', ''],
    [20, 'consume', 'client',
      'ticket:short queue:shortstr consumerTag:shortstr noLocal:bit noAck:bit exclusive:bit nowait:bit '
      + 'arguments:table'],
    [21, 'consume-ok', 'server', 'consumerTag:shortstr'],
    [30, 'cancel', 'both', 'consumerTag:shortstr nowait:bit'],
    [31, 'cancel-ok', 'both', 'consumerTag:shortstr'],
    [40, 'publish', 'client',
      'ticket:short exchange:anystr routingKey:anystr mandatory:bit immediate:bit', true],
    [50, 'return', 'server',
      'replyCode:short replyText:shortstr exchange:shortstr routingKey:shortstr', true],
    [60, 'deliver', 'server',
      'consumerTag:shortstr deliveryTag:longlong redelivered:bit exchange:shortstr '
      + 'routingKey:shortstr', true],
    [70, 'get', 'client', 'ticket:short queue:shortstr noAck:bit'],
    [71, 'get-ok', 'server',
      'deliveryTag:longlong redelivered:bit exchange:shortstr routingKey:shortstr messageCount:long', true],
    [72, 'get-empty', 'server', 'clusterId:shortstr'],
    [80, 'ack', 'both', 'deliveryTag:longlong multiple:bit'],
    [90, 'reject', 'client', 'deliveryTag:longlong requeue:bit'],
    [100, 'recover-async', 'client', 'requeue:bit'],
    [110, 'recover', 'client', 'requeue:bit'],
    [111, 'recover-ok', 'server', ''],
    [120, 'nack', 'both', 'deliveryTag:longlong multiple:bit requeue:bit'],
  ]),
  ...rows(85, 'confirm', [
    [10, 'select', 'client', 'nowait:bit'],
    [11, 'select-ok', 'server', ''],
  ]),
  ...rows(90, 'tx', [
    [10, 'select', 'client', ''],
    [11, 'select-ok', 'server', ''],
    [20, 'commit', 'client', ''],
    [21, 'commit-ok', 'server', ''],
    [30, 'rollback', 'client', ''],
    [31, 'rollback-ok', 'server', ''],
  ]),
]

/**
 * Spec name, number, and what an error of that name closes: a soft one the channel, a hard one the
 * connection.
 */
export const REPLY_CODES: readonly (readonly [string, number, 'soft' | 'hard' | 'notice'])[] = [
  ['no-route', 312, 'notice'],
  ['connection-forced', 320, 'hard'],
  ['access-refused', 403, 'soft'],
  ['not-found', 404, 'soft'],
  ['resource-locked', 405, 'soft'],
  ['precondition-failed', 406, 'soft'],
  ['frame-error', 501, 'hard'],
  ['syntax-error', 502, 'hard'],
  ['command-invalid', 503, 'hard'],
  ['channel-error', 504, 'hard'],
  ['unexpected-frame', 505, 'hard'],
  ['resource-error', 506, 'hard'],
  ['not-allowed', 530, 'hard'],
  ['not-implemented', 540, 'hard'],
  ['internal-error', 541, 'hard'],
]

/** Basic properties in flag order: the first owns bit 15 of the flags (AMQP 0-9-1 §4.2.6.1). */
export const BASIC_PROPERTIES: readonly (readonly [string, 'shortstr' | 'table' | 'octet' | 'longlong'])[] = [
  ['contentType', 'shortstr'], ['contentEncoding', 'shortstr'], ['headers', 'table'],
  ['deliveryMode', 'octet'], ['priority', 'octet'], ['correlationId', 'shortstr'], ['replyTo', 'shortstr'],
  ['expiration', 'shortstr'],
  ['messageId', 'shortstr'], ['timestamp', 'longlong'], ['type', 'shortstr'], ['userId', 'shortstr'],
  ['appId', 'shortstr'], ['clusterId', 'shortstr'],
]

export const FRAME_METHOD = 1
export const FRAME_HEADER = 2
export const FRAME_BODY = 3
export const FRAME_HEARTBEAT = 8
export const FRAME_END = 206
/** Type, channel and size before a payload, the end octet after it. */
export const FRAME_OVERHEAD = 8
/**
 * What any peer must accept. RabbitMQ 4 refuses less than 8192; older clients propose this and are served.
 */
export const FRAME_SIZE_MIN = 4096
