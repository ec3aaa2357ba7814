// What the HTTP door needs of the broker, said from this side (the composition root in runtime/ implements
// it), so that http/ can be tested with a plain object. Invariant: everything here is a read of memory,
// except `authenticate`, which hashes; no method changes the broker.

export interface BrokerView {
  readonly productName: string
  readonly productVersion: string
  /** As RabbitMQ's: rabbit@host. There is one node, so it is the cluster's name too. */
  readonly nodeName: string
  readonly startedAtMs: number
  /** The AMQP listener is open and the broker is not stopping. */
  isReady(): boolean
  authenticate(login: Login): Promise<Authentication>
  totals(): BrokerTotals
  listeners(): readonly ListenerView[]
  resources(): ResourcesView
  /** Parked by the store, because they were not what had been put. */
  damagedMessages(): number
  /**
   * Copies the data to a file on the broker's machine; returns its size. Null where there is no file to copy.
   * Errors: Error, saying why not.
   */
  readonly backUp: ((file: string, overwrites: boolean) => Promise<number>) | null
}

/** Limits and readings in bytes; Infinity where nothing was measured. */
export interface ResourcesView {
  readonly isMemoryLow: boolean
  readonly isDiskLow: boolean
  readonly memoryLimitBytes: number
  readonly diskFreeBytes: number
  readonly diskFreeLimitBytes: number
}

export interface Login {
  readonly user: string
  readonly password: string
  /** Decides for users who may only come from this machine. */
  readonly remoteAddress: string
}

export type Authentication =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly why: 'bad credentials' | 'loopback only' }

export interface Caller {
  readonly user: string
  readonly tags: readonly string[]
}

export interface ListenerView {
  /** In RabbitMQ's words: amqp, http. */
  readonly protocol: string
  readonly address: string
  readonly port: number
  readonly isTls: boolean
}

/** Plain counts. The first seven are what is there now; the others only grow, from 0 at start. */
export interface BrokerTotals {
  readonly connections: number
  readonly channels: number
  readonly exchanges: number
  readonly queues: number
  readonly consumers: number
  readonly messagesReady: number
  readonly messagesUnacked: number

  readonly connectionsOpened: number
  readonly connectionsClosed: number
  readonly channelsOpened: number
  readonly channelsClosed: number
  /** Every queue.declare that was accepted, whether the queue was there or not. */
  readonly queuesDeclared: number
  readonly queuesCreated: number
  readonly queuesDeleted: number

  readonly published: number
  /** Those of `published` that came on a channel in confirm mode. */
  readonly publishedForConfirm: number
  /** Reached at least one queue. */
  readonly routed: number
  readonly confirmed: number
  /** Unroutable and mandatory. */
  readonly returned: number
  /** Unroutable and not mandatory. */
  readonly droppedUnroutable: number

  readonly deliveredManualAck: number
  readonly deliveredAutoAck: number
  readonly gotManualAck: number
  readonly gotAutoAck: number
  readonly gotEmpty: number
  readonly redelivered: number
  readonly acked: number
}

/** All that left a queue towards a client, whether pushed or fetched. */
export function delivered(totals: BrokerTotals): number {
  return totals.deliveredManualAck + totals.deliveredAutoAck + totals.gotManualAck + totals.gotAutoAck
}
