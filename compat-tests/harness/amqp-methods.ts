// The AMQP 0-9-1 methods with the RabbitMQ extensions, as rows: class id, method id, arguments in wire order.
// Read by raw-client.ts, which encodes and decodes by them, and by closure.ts, which names the offending
// method. Kept apart from the broker's own table (protocol/), so that one mistake there cannot hide behind
// the same one here.

export type MethodRow = readonly [classId: number, methodId: number, args: string]

export const methods = {
  'connection.start': [10, 10,
    'version-major:octet version-minor:octet ' +
    'server-properties:table mechanisms:longstr locales:longstr'],
  'connection.start-ok': [10, 11,
    'client-properties:table mechanism:shortstr ' +
    'response:longstr locale:shortstr'],
  'connection.secure': [10, 20, 'challenge:longstr'],
  'connection.secure-ok': [10, 21, 'response:longstr'],
  'connection.tune': [10, 30, 'channel-max:short frame-max:long heartbeat:short'],
  'connection.tune-ok': [10, 31, 'channel-max:short frame-max:long heartbeat:short'],
  'connection.open': [10, 40, 'virtual-host:shortstr capabilities:shortstr insist:bit'],
  'connection.open-ok': [10, 41, 'known-hosts:shortstr'],
  'connection.close': [10, 50, 'reply-code:short reply-text:shortstr class-id:short method-id:short'],
  'connection.close-ok': [10, 51, ''],
  'connection.blocked': [10, 60, 'reason:shortstr'],
  'connection.unblocked': [10, 61, ''],
  'connection.update-secret': [10, 70, 'new-secret:longstr reason:shortstr'],
  'connection.update-secret-ok': [10, 71, ''],
  'channel.open': [20, 10, 'out-of-band:shortstr'],
  'channel.open-ok': [20, 11, 'channel-id:longstr'],
  'channel.flow': [20, 20, 'active:bit'],
  'channel.flow-ok': [20, 21, 'active:bit'],
  'channel.close': [20, 40, 'reply-code:short reply-text:shortstr class-id:short method-id:short'],
  'channel.close-ok': [20, 41, ''],
  'access.request': [30, 10, 'realm:shortstr exclusive:bit passive:bit active:bit write:bit read:bit'],
  'access.request-ok': [30, 11, 'ticket:short'],
  'exchange.declare': [40, 10,
    'ticket:short exchange:shortstr type:shortstr passive:bit ' +
    'durable:bit auto-delete:bit internal:bit nowait:bit arguments:table'],
  'exchange.declare-ok': [40, 11, ''],
  'exchange.delete': [40, 20, 'ticket:short exchange:shortstr if-unused:bit nowait:bit'],
  'exchange.delete-ok': [40, 21, ''],
  'exchange.bind': [40, 30,
    'ticket:short destination:shortstr source:shortstr ' +
    'routing-key:shortstr nowait:bit arguments:table'],
  'exchange.bind-ok': [40, 31, ''],
  'exchange.unbind': [40, 40,
    'ticket:short destination:shortstr source:shortstr ' +
    'routing-key:shortstr nowait:bit arguments:table'],
  'exchange.unbind-ok': [40, 51, ''],
  'queue.declare': [50, 10,
    'ticket:short queue:shortstr passive:bit durable:bit ' +
    'exclusive:bit auto-delete:bit nowait:bit arguments:table'],
  'queue.declare-ok': [50, 11, 'queue:shortstr message-count:long consumer-count:long'],
  'queue.bind': [50, 20,
    'ticket:short queue:shortstr exchange:shortstr ' +
    'routing-key:shortstr nowait:bit arguments:table'],
  'queue.bind-ok': [50, 21, ''],
  'queue.purge': [50, 30, 'ticket:short queue:shortstr nowait:bit'],
  'queue.purge-ok': [50, 31, 'message-count:long'],
  'queue.delete': [50, 40, 'ticket:short queue:shortstr if-unused:bit if-empty:bit nowait:bit'],
  'queue.delete-ok': [50, 41, 'message-count:long'],
  'queue.unbind': [50, 50,
    'ticket:short queue:shortstr ' +
    'exchange:shortstr routing-key:shortstr arguments:table'],
  'queue.unbind-ok': [50, 51, ''],
  'basic.qos': [60, 10, 'prefetch-size:long prefetch-count:short global:bit'],
  'basic.qos-ok': [60, 11, ''],
  'basic.consume': [60, 20,
    'ticket:short queue:shortstr consumer-tag:shortstr no-local:bit ' +
    'no-ack:bit exclusive:bit nowait:bit arguments:table'],
  'basic.consume-ok': [60, 21, 'consumer-tag:shortstr'],
  'basic.cancel': [60, 30, 'consumer-tag:shortstr nowait:bit'],
  'basic.cancel-ok': [60, 31, 'consumer-tag:shortstr'],
  'basic.publish': [60, 40,
    'ticket:short exchange:shortstr ' +
    'routing-key:shortstr mandatory:bit immediate:bit'],
  'basic.return': [60, 50, 'reply-code:short reply-text:shortstr exchange:shortstr routing-key:shortstr'],
  'basic.deliver': [60, 60,
    'consumer-tag:shortstr delivery-tag:longlong ' +
    'redelivered:bit exchange:shortstr routing-key:shortstr'],
  'basic.get': [60, 70, 'ticket:short queue:shortstr no-ack:bit'],
  'basic.get-ok': [60, 71,
    'delivery-tag:longlong redelivered:bit ' +
    'exchange:shortstr routing-key:shortstr message-count:long'],
  'basic.get-empty': [60, 72, 'cluster-id:shortstr'],
  'basic.ack': [60, 80, 'delivery-tag:longlong multiple:bit'],
  'basic.reject': [60, 90, 'delivery-tag:longlong requeue:bit'],
  'basic.recover-async': [60, 100, 'requeue:bit'],
  'basic.recover': [60, 110, 'requeue:bit'],
  'basic.recover-ok': [60, 111, ''],
  'basic.nack': [60, 120, 'delivery-tag:longlong multiple:bit requeue:bit'],
  'tx.select': [90, 10, ''],
  'tx.select-ok': [90, 11, ''],
  'tx.commit': [90, 20, ''],
  'tx.commit-ok': [90, 21, ''],
  'tx.rollback': [90, 30, ''],
  'tx.rollback-ok': [90, 31, ''],
  'confirm.select': [85, 10, 'nowait:bit'],
  'confirm.select-ok': [85, 11, ''],
} as const satisfies Record<string, MethodRow>

export type MethodName = keyof typeof methods

/** The fourteen basic properties in the order of their flag bits, from bit 15 down. */
export const basicProperties = [
  ['content-type', 'shortstr'],
  ['content-encoding', 'shortstr'],
  ['headers', 'table'],
  ['delivery-mode', 'octet'],
  ['priority', 'octet'],
  ['correlation-id', 'shortstr'],
  ['reply-to', 'shortstr'],
  ['expiration', 'shortstr'],
  ['message-id', 'shortstr'],
  ['timestamp', 'timestamp'],
  ['type', 'shortstr'],
  ['user-id', 'shortstr'],
  ['app-id', 'shortstr'],
  ['cluster-id', 'shortstr'],
] as const

const namesById = new Map<string, MethodName>(
  Object.entries(methods).map(([name, [classId, methodId]]) => [`${classId}.${methodId}`,
    name as MethodName]),
)

/** The name of a method, or its bare ids where the table has none (a close may carry 0.0). */
export function methodNameOf(classId: number, methodId: number): MethodName | `${number}.${number}` {
  return namesById.get(`${classId}.${methodId}`) ?? `${classId}.${methodId}`
}
