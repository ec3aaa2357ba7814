// A vhost: one namespace of exchanges and queues, the store that keeps it, and the way of a message from a
// route into queues. Declaring and binding are in exchange-declarations.ts, queue-declarations.ts and
// bindings.ts, which call `changed` so that no channel goes on with a route that is no longer true.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Arrivals } from '../base/arrivals.ts'
import type { Sequence } from '../base/sequence.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import { VHostTraffic } from '../base/traffic.ts'
import type { Turn } from '../base/turn.ts'
import { DeadLetterer } from '../dlq/dead-letterer.ts'
import { Retries } from '../dlq/retries.ts'
import { RedriveJobs } from '../dlq/redrive-jobs.ts'
import type { Binding, Destination } from '../exchanges/binding.ts'
import { Exchange } from '../exchanges/exchange.ts'
import type { HeaderSource } from '../exchanges/exchange-type.ts'
import type { History } from '../exchanges/history.ts'
import { exchangeTypes } from '../exchanges/index.ts'
import { RouteFinder } from '../exchanges/route.ts'
import type { Route } from '../exchanges/route.ts'
import { notFound, resourceLocked } from '../protocol/errors.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { Browser } from '../queues/browser.ts'
import type { Message } from '../queues/message.ts'
import type { MessageTracer } from '../queues/message-tracer.ts'
import type { Window } from '../queues/paged-ready.ts'
import type { Queue, QueueParts } from '../queues/queue.ts'
import type { QueueOwner } from '../queues/queue-flags.ts'
import type { Residence } from '../queues/residence.ts'
import type { Definition, Store } from '../store/store.ts'
import type { Counters } from './counters.ts'
import { DurableRecords } from './durable-records.ts'
import type { DurableListener } from './durable-records.ts'
import { redriveJobDefinition, removal } from './definitions.ts'
import { isRepeatedNow, noteSightings } from './exchange-deduplication.ts'
import { Policies } from './policies.ts'
import { NEW_VHOST } from './vhost-facts.ts'
import type { VHostFacts } from './vhost-facts.ts'
import type { WebhookRecord } from './webhook-record.ts'

/** Stopped reading publishes because the store is behind. */
export interface RelievedListener {
  relieved(): void
}

/** A requester that waits for direct replies; it is a channel, no queue. */
export interface ReplyPort {
  deliverReply(message: Message): void
}

export const ROUTED = 1
export const STORED = 2
/** Some queue was full and took it not: the publisher gets a nack. */
export const REJECTED = 4

/** Sharing a body between queues pays from here on (reliability §4.1). */
const SHARED_BODY_BYTES_MIN = 512

export const PREDECLARED: readonly (readonly [string, string, boolean?])[] = [
  ['', 'direct'], ['amq.direct', 'direct'], ['amq.fanout', 'fanout'], ['amq.topic', 'topic'],
  ['amq.headers', 'headers'], ['amq.match', 'headers'], ['amq.rabbitmq.trace', 'topic', true],
]

/** What a vhost is given by the broker. */
export interface VHostParts {
  readonly store: Store
  readonly turn: Turn
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly messageIds: Sequence
  readonly arrivals: Arrivals
  readonly counters: Counters
  readonly residence: Residence
  readonly window: Window
  readonly random: Random
  readonly facts?: VHostFacts
  readonly tracer: MessageTracer | null
  /** A number that no queue has, in any vhost. */
  newId(): number
  mayWrite(user: string, exchange: string): boolean
  exchangeDeleted(exchange: string): void
}

export class VHost {
  readonly name: string
  /** What administrators said about it: replaced whole. */
  facts: VHostFacts
  readonly store: Store
  readonly exchanges = new Map<string, Exchange>()
  readonly queues = new Map<string, Queue>()
  /** Bindings by what they lead to: what goes with a queue or an exchange that is deleted. */
  readonly inbound = new Map<Destination, Set<Binding>>()
  /** Requesters by the name that responders publish to. */
  readonly replyPorts = new Map<string, ReplyPort>()
  readonly defaultExchange: Exchange
  readonly queueParts: QueueParts
  /** Null: tracing is off. Whoever publishes for a client tells it. */
  readonly tracer: MessageTracer | null
  readonly random: Random
  readonly records: DurableRecords
  readonly traffic = new VHostTraffic()
  readonly policies = new Policies()
  /** Looks at messages without taking them. */
  readonly browser: Browser
  readonly redrives: RedriveJobs
  /** By name; changed by webhooks.ts alone. */
  readonly webhooks = new Map<string, WebhookRecord>()
  /** Whether the user may publish to an exchange of it now. */
  readonly mayWrite: (user: string, exchange: string) => boolean
  readonly exchangeDeleted: (exchange: string) => void
  readonly newId: () => number
  /** Rises with every change that may turn a route, or the right to publish there, false. */
  topologyVersion = 0
  /** Exclusive queues by the connection they go with. */
  private readonly exclusive = new Map<QueueOwner, Set<Queue>>()
  private readonly counters: Counters
  private readonly turn: Turn
  private readonly messageIds: Sequence
  private readonly finder: RouteFinder<Queue>
  private readonly deadLetterer: DeadLetterer
  private relievedListeners: RelievedListener[] = []

  /** `expired` deletes a queue whose x-expires has come. */
  constructor(name: string, parts: VHostParts, expired: (vhost: VHost, queue: Queue) => void) {
    const { store, turn, clock, timers, messageIds } = parts
    this.name = name
    this.facts = parts.facts ?? NEW_VHOST
    this.store = store
    this.browser = new Browser(store)
    this.records = new DurableRecords(store, turn)
    this.turn = turn
    this.messageIds = messageIds
    this.random = parts.random
    this.tracer = parts.tracer
    this.counters = parts.counters
    this.deadLetterer = new DeadLetterer(this, clock, parts.counters.deadLettered)
    this.queueParts = {
      store, turn, clock, timers, ids: messageIds, arrivals: parts.arrivals, deadLetters: this.deadLetterer,
      retries: new Retries(clock, parts.random),
      residence: parts.residence, window: parts.window, tracer: parts.tracer,
      expired: (queue) => expired(this, queue),
    }
    this.mayWrite = parts.mayWrite
    this.exchangeDeleted = parts.exchangeDeleted
    this.newId = parts.newId
    this.redrives = new RedriveJobs({
      topology: this, browser: this.browser, turn, clock, timers, store,
      findQueue: (queue) => this.findQueue(queue), mayWrite: parts.mayWrite,
      // Not by `records`: nobody who declares something is to wait for a job.
      record: (id, doc) => store.define(
        doc === null ? removal('redrive-job', String(id)) : redriveJobDefinition(id, doc)),
    })
    this.finder = new RouteFinder((exchange) => this.exchanges.get(exchange) ?? null)
    for (const [exchange, type, isInternal = false] of PREDECLARED) {
      const flags = { isDurable: true, isAutoDelete: false, isInternal }
      const ofType = exchangeTypes.get(type)!
      this.exchanges.set(exchange, new Exchange(exchange, ofType, flags, EMPTY_TABLE, parts.random))
    }
    this.defaultExchange = this.exchanges.get('')!
    store.onRelieved = () => this.relieved()
    turn.addStore(store)
  }

  findExchange(name: string): Exchange | null {
    return this.exchanges.get(name) ?? null
  }

  /** Errors: not-found. */
  getExchange(name: string): Exchange {
    const exchange = this.exchanges.get(name)
    if (exchange === undefined) throw notFound(`no ${this.describeExchange(name)}`)
    return exchange
  }

  findQueue(name: string): Queue | null {
    return this.queues.get(name) ?? null
  }

  /** Errors: not-found; resource-locked when it is exclusive to another connection. */
  getQueue(name: string, owner: QueueOwner): Queue {
    const queue = this.queues.get(name)
    if (queue === undefined) throw notFound(`no ${this.describeQueue(name)}`)
    this.checkOwner(queue, owner)
    return queue
  }

  addQueue(queue: Queue): void {
    this.queues.set(queue.name, queue)
    this.counters.queuesCreated++
    if (queue.owner === null) return
    let owned = this.exclusive.get(queue.owner)
    if (owned === undefined) this.exclusive.set(queue.owner, owned = new Set())
    owned.add(queue)
  }

  removeQueue(queue: Queue): void {
    this.queues.delete(queue.name)
    this.counters.queuesDeleted++
    if (queue.owner === null) return
    const owned = this.exclusive.get(queue.owner)
    owned?.delete(queue)
    if (owned?.size === 0) this.exclusive.delete(queue.owner)
  }

  /** The exclusive queues of a connection that is going. */
  queuesOf(owner: QueueOwner): Queue[] {
    return [...this.exclusive.get(owner) ?? []]
  }

  /** What its queues hold, added up. */
  countMessages(): { readyCount: number; unackedCount: number } {
    const held = { readyCount: 0, unackedCount: 0 }
    for (const queue of this.queues.values()) {
      held.readyCount += queue.readyCount
      held.unackedCount += queue.unackedCount
    }
    return held
  }

  /** Errors: resource-locked. */
  checkOwner(queue: Queue, owner: QueueOwner): void {
    if (queue.owner !== null && queue.owner !== owner) throw this.locked(queue.name)
  }

  locked(queue: string): Error {
    return resourceLocked(`cannot obtain exclusive access to locked ${this.describeQueue(queue)}. `
      + 'It could be originally declared on another connection or the exclusive property value does not '
      + 'match that of the original declaration.')
  }

  describeQueue(name: string): string {
    return `queue '${name}' in vhost '${this.name}'`
  }

  describeExchange(name: string): string {
    return `exchange '${name}' in vhost '${this.name}'`
  }

  /** `key`: a publisher's, for exchanges that let a message pass once; null: they all let it pass. */
  findRoute(
    exchange: Exchange, routingKeys: readonly string[], headers: HeaderSource, key: string | null = null,
  ): Route<Queue> {
    return this.finder.find(exchange, routingKeys, headers, key)
  }

  /**
   * Puts a message into every queue of a route, to be ready at once or, in milliseconds since the epoch, at
   * `dueMs`. What `isMoved` is no duplicate to them. Returns the bits ROUTED, STORED, REJECTED; never throws.
   */
  publish(route: Route<Queue>, message: Message, dueMs = 0, isMoved = false): number {
    const { sightings } = route
    if (sightings === null) return this.enqueue(route, message, dueMs, isMoved)
    const isRepeated = isRepeatedNow(sightings, message)
    const outcome = isRepeated ? 0 : this.enqueue(route, message, dueMs, isMoved)
    const isTaken = (outcome & (ROUTED | REJECTED)) === ROUTED
    const isStored = (outcome & STORED) !== 0
    const isPending = noteSightings(sightings, message, { isRepeated, isTaken, isStored })
    if (!isRepeated && sightings.repeated.length === 0) return outcome
    return outcome | ROUTED | (isPending ? STORED : 0)
  }

  /**
   * Letters wait from here to `sendLetters`, as in RabbitMQ, where another process sends them. False when
   * they do already: then that is not the caller's.
   */
  holdLetters(): boolean {
    return this.deadLetterer.hold()
  }

  sendLetters(): void {
    this.deadLetterer.release()
  }

  private enqueue(route: Route<Queue>, message: Message, dueMs: number, isMoved: boolean): number {
    const { queues, histories } = route
    if (histories.length > 0) this.keep(histories, message)
    if (queues.length === 0) return 0
    if (queues.length > 1 && message.bodyBytes >= SHARED_BODY_BYTES_MIN) this.shareBody(queues, message)
    // All queues have the message before one of them lets go of something in its favour (RabbitMQ).
    const holdsLetters = queues.length > 1 && this.deadLetterer.hold()
    let outcome = ROUTED
    for (const queue of queues) {
      if (!queue.publish(message, dueMs, isMoved)) {
        outcome |= REJECTED
        continue
      }
      if (queue.stores(message)) outcome |= STORED
    }
    if (holdsLetters) this.deadLetterer.release()
    return outcome
  }

  /** Something was declared, bound or deleted; `definition` is its record when it is to survive a restart. */
  changed(definition: Definition | null): void {
    this.topologyVersion++
    if (definition !== null) this.records.define(definition)
  }

  /** The batch that the newest record waits for; 0 when all of them are on disk. */
  get pendingDefinitions(): number {
    return this.records.pendingBatch
  }

  /** The listener is told of every durable batch from now on, until it returns false. */
  awaitDurable(listener: DurableListener): void {
    this.records.listen(listener)
  }

  awaitRelieved(listener: RelievedListener): void {
    this.relievedListeners.push(listener)
  }

  private keep(histories: readonly History[], message: Message): void {
    for (const history of histories) history.keep(message, this.queueParts.clock.nowMs)
  }

  private shareBody(queues: readonly Queue[], message: Message): void {
    let storing = 0
    for (const queue of queues) if (queue.stores(message)) storing++
    if (storing > 1) message.bodyId = this.messageIds.next()
  }

  private relieved(): void {
    this.turn.begin()
    const listeners = this.relievedListeners
    this.relievedListeners = []
    for (const listener of listeners) listener.relieved()
  }
}
