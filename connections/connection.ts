// One client's connection: bytes in, frames to channels, one write per turn out. Who it is, is the
// handshake's business; when it is silent, the heartbeat's; when it is not read, the intake's.
//
//   header → handshake → running → closing (our close is out, close-ok awaited) ─▶ closed
//                   └─▶ silent (3 s without a word) ──────────────────────────────▶
import type { Log } from '../base/log.ts'
import { ConnectionTraffic } from '../base/traffic.ts'
import type { Flushable } from '../base/turn.ts'
import type { AlarmListener } from '../broker/alarms.ts'
import type { Broker } from '../broker/broker.ts'
import type {
  ChannelView, ConnectionState, ConnectionView, SocketAddress,
} from '../broker/connection-view.ts'
import { removeQueue } from '../broker/queue-declarations.ts'
import type { User } from '../broker/users.ts'
import type { DurableListener } from '../broker/durable-records.ts'
import type { RelievedListener, VHost } from '../broker/vhost.ts'
import { ArgumentReader } from '../protocol/argument-reader.ts'
import { AmqpError } from '../protocol/errors.ts'
import { FrameWriter } from '../protocol/frame-writer.ts'
import {
  METHOD_NAMES, writeConnectionBlocked, writeConnectionClose, writeConnectionCloseOk,
  writeConnectionUnblocked,
} from '../protocol/methods.gen.ts'
import { FRAME_HEARTBEAT, FRAME_METHOD } from '../protocol/spec.ts'
import type { PageWaiter } from '../queues/paged-ready.ts'
import type { Queue } from '../queues/queue.ts'
import type { ChannelHost, HostedChannel, ReplyWriter } from './channel-host.ts'
import { ChannelTable } from './channel-table.ts'
import { CloseReply } from './close-reply.ts'
import { ConnectionMethods } from './connection-methods.ts'
import { HOLD_ALARM, HOLD_DURABLE, HOLD_OUTBOX, HOLD_PAGE, HOLD_STORE, Intake } from './intake.ts'
import type { IntakeOwner } from './intake.ts'
import { Handshake, PROTOCOL_HEADER, SilentClose, isProtocolHeader } from './handshake.ts'
import type { ClientFacts, Tuning } from './handshake.ts'
import { ConnectionTimer } from './connection-timer.ts'
import { OutboxRoom } from './outbox-room.ts'
import type { Transport, TransportListener } from './transport.ts'

/** All that RabbitMQ reads of a client that has not agreed on more. */
const FRAME_SIZE_BEFORE_TUNE = 8192

type Phase = 'header' | 'handshake' | 'running' | 'closing' | 'silent' | 'closed'

/** An answer that waits for the batch with what it confirms. */
interface HeldReply {
  readonly batch: number
  readonly channel: HostedChannel
  readonly reply: ReplyWriter
}

/** A method that goes on when its queue's next message has come from the store. */
interface AwaitedPage {
  readonly channel: HostedChannel
  readonly methodId: number
  readonly then: () => void
}

export class Connection
implements ChannelHost, PageWaiter, IntakeOwner, Flushable, ConnectionView, AlarmListener, DurableListener,
  RelievedListener, TransportListener {
  readonly broker: Broker
  readonly log: Log
  readonly writer = new FrameWriter()
  /** One reader of arguments for all methods: they are decoded one at a time. */
  readonly arguments = new ArgumentReader()
  readonly channels: ChannelTable
  readonly protocol = 'AMQP 0-9-1'
  readonly traffic = new ConnectionTraffic()
  readonly connectedAtMs: number
  user: User | null = null
  vhost: VHost | null = null
  channelMax = 0
  heartbeatS = 0
  isMarked = false
  /** The method being worked on: what a close names as its cause; 0 for errors of framing. */
  methodId = 0
  private readonly transport: Transport
  private readonly intake: Intake
  private readonly handshake: Handshake
  private readonly timer: ConnectionTimer
  private readonly methods: ConnectionMethods
  private phase: Phase = 'header'
  private headerBytes: Buffer = Buffer.alloc(0)
  private held: HeldReply | null = null
  private awaited: AwaitedPage | null = null
  private confirming: HostedChannel[] = []
  private readonly room: OutboxRoom

  constructor(transport: Transport, broker: Broker) {
    this.transport = transport
    this.broker = broker
    this.room = new OutboxRoom(this.writer, transport)
    this.connectedAtMs = broker.clock.nowMs
    this.log = broker.log
    const frameSizeMax = Math.min(broker.limits.frameSizeMax, FRAME_SIZE_BEFORE_TUNE)
    this.intake = new Intake(this, transport, broker.turn, frameSizeMax)
    this.handshake = new Handshake(broker, this.writer, transport.peer, this)
    this.channels = new ChannelTable(this)
    this.methods = new ConnectionMethods(this)
    this.timer = new ConnectionTimer(broker, this)
    this.timer.dropAfter(broker.limits.handshakeTimeoutMs)
    broker.connections.add(this)
    broker.counters.connectionsOpened++
  }

  get client(): ClientFacts {
    return this.handshake.client
  }

  get frameSizeMax(): number {
    return this.intake.frameSizeMax
  }

  get channelCount(): number {
    return this.channels.count
  }

  get peer(): SocketAddress {
    return this.transport.peer
  }

  get local(): SocketAddress {
    return this.transport.local
  }

  /** RabbitMQ calls it flow when a connection that would publish is not read. */
  get state(): ConnectionState {
    if (this.phase === 'running') return this.intake.isHeldFor(HOLD_STORE) ? 'flow' : 'running'
    return this.phase === 'closing' || this.phase === 'closed' ? this.phase : 'starting'
  }

  channelViews(): Iterable<ChannelView> {
    return this.channels
  }

  get isReading(): boolean {
    return this.intake.isReading
  }

  onData(chunk: Buffer): void {
    if (this.phase === 'closed' || this.phase === 'silent') return
    this.broker.turn.begin()
    this.timer.heard()
    this.traffic.read(chunk.length)
    if (this.phase === 'header') this.onHeaderBytes(chunk)
    else this.intake.push(chunk)
  }

  placeForBody(channel: number, size: number): Buffer | null {
    return this.phase === 'running' ? this.channels.placeForBody(channel, size) : null
  }

  onFrame(type: number, channel: number, buf: Buffer, start: number, end: number): void {
    if (this.phase === 'closing') return this.methods.onFrameWhileClosing(type, channel, buf, start)
    if (this.phase !== 'running' && this.phase !== 'handshake') return
    this.methodId = 0
    try {
      if (channel === 0) this.onConnectionFrame(type, buf, start, end)
      else if (this.phase === 'running') this.channels.onFrame(type, channel, buf, start, end)
      else throw this.channels.tooEarly(this.handshake.isTuned, type, buf, start, end)
    } catch (error) {
      this.readFailed(error)
    }
  }

  tuned(tuning: Tuning): void {
    this.intake.frameSizeMax = tuning.frameSizeMax
    this.channelMax = tuning.channelMax
    this.heartbeatS = tuning.heartbeatS
    this.timer.beat(tuning.heartbeatS)
  }

  opened(user: User, vhost: VHost): void {
    this.user = user
    this.vhost = vhost
    this.traffic.enter(vhost.traffic)
    this.phase = 'running'
    this.timer.opened()
    this.channels.opened(user, vhost, this.channelMax)
    this.log.info({ connection: this.describe(), user: user.name, vhost: vhost.name }, 'connection opened')
  }

  mark(): void {
    this.broker.turn.flush(this)
  }

  confirmAtEndOfTurn(channel: HostedChannel): void {
    this.confirming.push(channel)
    this.mark()
  }

  /** Writes the confirms that are ready: at the end of the turn, and before a channel's close. */
  flushConfirms(): void {
    for (const channel of this.confirming) channel.writeConfirms()
    this.confirming.length = 0
  }

  flush(): void {
    if (this.phase === 'closed') return
    this.flushConfirms()
    if (this.writer.pendingBytes > 0) {
      this.timer.said()
      this.traffic.wrote(this.writer.pendingBytes)
      this.transport.write(this.writer.take())
    }
    if (this.room.isExceeded) this.intake.hold(HOLD_OUTBOX)
    this.offerRoom()
  }

  /**
   * Room in the outbox for one more delivery. A consumer that finds none is offered it when the socket has
   * drained.
   */
  hasRoom(): boolean {
    return this.room.take()
  }

  onDrain(): void {
    if (this.phase === 'closed') return
    this.broker.turn.begin()
    this.offerRoom()
    this.intake.release(HOLD_OUTBOX)
  }

  /**
   * Answers a method once what it changed is on disk; until then nothing more is read (rule 31), so that a
   * `-ok` for something durable means that it survives. `reply` is null for nowait.
   */
  replyWhenDurable(channel: HostedChannel, reply: ReplyWriter | null): void {
    if (reply !== null) this.replyWhenStored(channel, channel.vhost.pendingDefinitions, reply)
  }

  replyWhenStored(channel: HostedChannel, batch: number, reply: ReplyWriter): void {
    if (batch === 0) {
      reply(this.writer, channel.number)
      return this.mark()
    }
    this.held = { batch, channel, reply }
    this.intake.hold(HOLD_DURABLE)
    channel.vhost.awaitDurable(this)
  }

  durable(batch: number): boolean {
    const { held } = this
    if (held === null) return false
    if (batch < held.batch) return true
    this.held = null
    if (held.channel.isOpen) held.reply(this.writer, held.channel.number)
    this.mark()
    this.intake.release(HOLD_DURABLE)
    return false
  }

  /** The store is behind: this client's publishes wait in its socket until `relieved`. */
  waitForStore(vhost: VHost): void {
    if (this.intake.isHeldFor(HOLD_STORE)) return
    this.intake.hold(HOLD_STORE)
    vhost.awaitRelieved(this)
  }

  waitForPage(channel: HostedChannel, queue: Queue, then: () => void): void {
    this.awaited = { channel, then, methodId: this.methodId }
    this.intake.hold(HOLD_PAGE)
    queue.awaitPage(this)
  }

  paged(): void {
    const { awaited } = this
    if (awaited === null) return
    this.awaited = null
    try {
      awaited.channel.resume(awaited.methodId, awaited.then)
    } catch (error) {
      this.readFailed(error)
    }
    // It may have to wait for the page after this one.
    if (this.awaited === null) this.intake.release(HOLD_PAGE)
  }

  ingested(bodyBytes: number): void {
    this.intake.ingested(bodyBytes)
  }

  relieved(): void {
    this.intake.release(HOLD_STORE)
  }

  /** RabbitMQ tells those who can read it; a second alarm meanwhile is not news (behaviours §1.9). */
  waitForAlarms(): void {
    if (this.intake.isHeldFor(HOLD_ALARM)) return
    const { alarms } = this.broker
    this.intake.hold(HOLD_ALARM)
    alarms.awaitCleared(this)
    if (!this.client.blocked) return
    writeConnectionBlocked(this.writer, 0, alarms.reason)
    this.mark()
  }

  alarmsCleared(): void {
    if (this.phase !== 'running') return
    this.broker.turn.begin()
    if (this.client.blocked) {
      writeConnectionUnblocked(this.writer, 0)
      this.mark()
    }
    this.intake.release(HOLD_ALARM)
  }

  removeChannel(channel: HostedChannel): void {
    this.channels.remove(channel)
    this.mark()
  }

  /** A method id of 0 names no method: errors of framing. */
  closeWith(error: AmqpError, methodId: number): void {
    const method = METHOD_NAMES.get(methodId) ?? 'none'
    const connection = this.describe()
    this.log.warn({ connection, method, reason: error.replyText }, 'connection closed with an error')
    this.sendClose(error.code, error.replyText, methodId)
  }

  forceClose(error: AmqpError): void {
    if (this.phase === 'running') this.sendClose(error.code, error.replyText, 0)
    else this.transport.destroy()
  }

  /** The client said connection.close: everything is tidied up before it hears close-ok (RabbitMQ). */
  closedByClient(): void {
    this.flushConfirms()
    this.endChannels()
    writeConnectionCloseOk(this.writer, 0)
    this.phase = 'closing'
    this.mark()
    this.timer.dropAfterClose()
  }

  /** Our close was answered: nothing more will come. */
  finish(): void {
    this.flush()
    this.transport.end()
  }

  onClosed(): void {
    if (this.phase === 'closed') return
    this.broker.turn.begin()
    if (this.phase === 'running') this.log.info({ connection: this.describe() }, 'connection lost')
    this.phase = 'closed'
    this.timer.stop()
    this.intake.discard()
    this.held = this.awaited = null
    this.endChannels()
    this.broker.connections.delete(this)
    this.broker.counters.connectionsClosed++
  }

  /** Nothing was heard for too long, or the other side does not close. */
  drop(): void {
    this.transport.destroy()
  }

  /** Where it comes from, and its own name for itself. */
  private describe(): string {
    const { address, port } = this.transport.peer
    return this.client.name === '' ? `${address}:${port}` : `${address}:${port} (${this.client.name})`
  }

  private onHeaderBytes(chunk: Buffer): void {
    this.headerBytes = Buffer.concat([this.headerBytes, chunk])
    if (this.headerBytes.length < PROTOCOL_HEADER.length) return
    if (!isProtocolHeader(this.headerBytes.subarray(0, PROTOCOL_HEADER.length))) {
      this.writer.raw(PROTOCOL_HEADER)
      this.flush()
      this.phase = 'silent'
      return this.transport.end()
    }
    this.phase = 'handshake'
    this.handshake.start()
    this.mark()
    const rest = this.headerBytes.subarray(PROTOCOL_HEADER.length)
    if (rest.length > 0) this.intake.push(rest)
  }

  private onConnectionFrame(type: number, buf: Buffer, start: number, end: number): void {
    if (type === FRAME_HEARTBEAT) return
    if (type !== FRAME_METHOD) throw this.channels.notForChannel0(type, buf, start, end)
    const id = buf.readUInt32BE(start)
    const reader = this.arguments.over(buf, start + 4, end)
    if (this.phase === 'running') {
      this.methodId = id
      return this.methods.onMethod(id, reader)
    }
    if (this.handshake.isTuned) {
      this.methodId = id
      this.methods.checkOpening(id)
    }
    this.handshake.onMethod(id, reader)
    this.mark()
  }

  /**
   * The connection's one catch: a client's mistake becomes a close, one of ours 541 and a line in the log.
   */
  readFailed(error: unknown): void {
    if (error instanceof SilentClose) return this.closeSilently(error.message)
    if (error instanceof AmqpError) return this.closeWith(error, error.namesMethod ? this.methodId : 0)
    this.log.error({ err: error, method: METHOD_NAMES.get(this.methodId) ?? 'none' }, 'internal error')
    this.sendClose(CloseReply.internalError.code, CloseReply.internalError.text, 0)
  }

  private closeSilently(why: string): void {
    this.log.warn({ connection: this.describe(), reason: why }, 'connection refused')
    this.phase = 'silent'
    this.intake.discard()
    this.timer.dropAfter(CloseReply.silentMs)
  }

  private sendClose(code: number, text: string, methodId: number): void {
    if (this.phase === 'closing' || this.phase === 'closed') return
    this.flushConfirms()
    this.endChannels()
    this.phase = 'closing'
    writeConnectionClose(this.writer, 0, code, text, methodId >>> 16, methodId & 0xffff)
    this.mark()
    this.timer.dropAfterClose()
    this.held = this.awaited = null
    this.intake.releaseAll()
  }

  /**
   * Channels first, in order, then the exclusive queues, so that nothing is requeued into what is about to
   * go.
   */
  private endChannels(): void {
    this.channels.end()
    if (this.vhost === null) return
    for (const queue of this.vhost.queuesOf(this)) removeQueue(this.vhost, queue)
  }

  private offerRoom(): void {
    if (!this.room.isWanted || !this.room.isBack) return
    this.room.isWanted = false
    this.channels.offerCredit()
  }
}
