// The connection, as its channels see it: what they write to, and what they have it wait for. connection.ts
// implements it. Invariant: a reply is written when what it says is true, never to a channel that is over.
import type { Log } from '../base/log.ts'
import type { Broker } from '../broker/broker.ts'
import type { VHost } from '../broker/vhost.ts'
import type { ArgumentReader } from '../protocol/argument-reader.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import type { Queue } from '../queues/queue.ts'
import type { ClientFacts } from './handshake.ts'

export type ReplyWriter = (writer: FrameWriter, channel: number) => void

/** A channel, as its connection sees it. */
export interface HostedChannel {
  readonly number: number
  readonly vhost: VHost
  readonly isOpen: boolean
  /** Goes on with a method that had to wait. Errors: AmqpError for what closes the connection. */
  resume(methodId: number, then: () => void): void
  writeConfirms(): void
}

/** Also the owner of its channels' exclusive queues. */
export interface ChannelHost {
  readonly broker: Broker
  readonly log: Log
  readonly writer: FrameWriter
  readonly arguments: ArgumentReader
  readonly client: ClientFacts
  readonly frameSizeMax: number
  /** The method being worked on: what a close names as its cause; 0 for errors of framing. */
  methodId: number
  hasRoom(): boolean
  /** Something was written: it leaves at the end of the turn. */
  mark(): void
  confirmAtEndOfTurn(channel: HostedChannel): void
  flushConfirms(): void
  /** Answers a method once what it changed is on disk; null for nowait. */
  replyWhenDurable(channel: HostedChannel, reply: ReplyWriter | null): void
  /** Answers a method once this batch is on disk, or at once when it is 0. */
  replyWhenStored(channel: HostedChannel, batch: number, reply: ReplyWriter): void
  /** The store is behind: nothing more is read from this client until it has caught up. */
  waitForStore(vhost: VHost): void
  /** The queue's next message comes from the store: nothing more is read until `then` has been done. */
  waitForPage(channel: HostedChannel, queue: Queue, then: () => void): void
  /** An alarm is on and this client publishes: nothing more is read from it until all alarms are over. */
  waitForAlarms(): void
  /** A message came in: from some number on, the next ones wait for the next turn. */
  ingested(bodyBytes: number): void
  removeChannel(channel: HostedChannel): void
}
