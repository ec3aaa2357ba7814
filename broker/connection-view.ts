// What the broker, and through it the HTTP door, sees of the AMQP door: connections, their channels, and the
// consumers on those. connections/ implements all three; whoever reads them changes nothing but by
// forceClose, drop and extend.
import type { ChannelTraffic, ConnectionTraffic } from '../base/traffic.ts'
import type { AmqpError } from '../protocol/errors.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Entry } from '../queues/entry.ts'
import type { Queue } from '../queues/queue.ts'
import type { User } from './users.ts'
import type { VHost } from './vhost.ts'

export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** In RabbitMQ's words. */
export type ConnectionState = 'starting' | 'running' | 'flow' | 'closing' | 'closed'

export interface ConnectionView {
  /** As lists name it: `AMQP 0-9-1`, `HTTP`. */
  readonly protocol: string
  /** Both null until the connection is open. */
  readonly user: User | null
  readonly vhost: VHost | null
  readonly peer: SocketAddress
  readonly local: SocketAddress
  readonly state: ConnectionState
  readonly connectedAtMs: number
  readonly frameSizeMax: number
  readonly channelMax: number
  /** 0: no heartbeats. */
  readonly heartbeatS: number
  readonly traffic: ConnectionTraffic
  readonly channelCount: number
  /** What the client said of itself: how it logged in, and its properties as an encoded table. */
  readonly client: { readonly mechanism: string; readonly properties: Buffer }
  channelViews(): Iterable<ChannelView>
  /** Closes it from our side, with a reason for the client. */
  forceClose(error: AmqpError): void
  /** Ends it without another word. */
  drop(): void
}

export interface ChannelView {
  readonly number: number
  readonly user: User
  readonly vhost: VHost
  /** Prefetch of the next consumer, and of all consumers of the channel together; 0 is no limit. */
  readonly consumerPrefetch: number
  readonly channelPrefetch: number
  readonly unackedCount: number
  /** Oldest first. */
  readonly unacked: { deliveries(): Iterable<UnackedDelivery> }
  readonly timeouts: {
    /** Gives a delivery so long from now on. False: it has no lease. */
    extend(tag: number, ms: number): boolean
  }
  /** Null unless it is in confirm mode. */
  readonly confirms: { readonly unansweredCount: number } | null
  /** What waits for tx.commit; null unless the channel is transactional. */
  readonly transaction: { readonly publishCount: number; readonly settlementCount: number } | null
  readonly traffic: ChannelTraffic
  /** By tag. */
  readonly consumers: ReadonlyMap<string, ConsumerView>
}

export interface UnackedDelivery {
  readonly tag: number
  readonly entry: Entry
  /** To the second. */
  readonly sinceMs: number
}

export interface ConsumerView {
  readonly tag: string
  readonly queue: Queue
  readonly isNoAck: boolean
  readonly isExclusive: boolean
  /** False while another one is the single active. */
  readonly isActive: boolean
  /** May hold one more delivery. */
  readonly hasCredit: boolean
  readonly prefetch: number
  readonly args: FieldTable
}

/** Names a connection as RabbitMQ does, in lists and in paths. */
export function connectionName({ peer, local }: ConnectionView): string {
  return `${peer.address}:${peer.port} -> ${local.address}:${local.port}`
}
