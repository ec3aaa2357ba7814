// Sends what a queue could not deliver to its dead-letter exchange, with its history. A chain of dead-letter
// queues is worked off in a loop: a message that dies again while it is being routed waits for its turn.
import type { Clock } from '../base/clock.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { HeaderSource } from '../exchanges/exchange-type.ts'
import type { Route } from '../exchanges/route.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { DeadLetterSink, DeathPlace, DeathReason } from '../queues/dead-letter-sink.ts'
import { Envelope, Message } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import { isCycle } from './cycle.ts'
import { HISTORY_HEADERS, addDeath, historyHeaders, readHistory } from './x-death.ts'

/** What dead-lettering needs of the vhost. */
export interface DeadLetterTopology {
  findExchange(name: string): Exchange | null
  findRoute(exchange: Exchange, routingKeys: readonly string[], headers: HeaderSource): Route<Queue>
  publish(route: Route<Queue>, message: Message): number
}

interface Dying {
  readonly place: DeathPlace
  readonly message: Message
  readonly reason: DeathReason
}

interface Way {
  readonly letter: Message
  readonly route: Route<Queue>
  /** Somebody would get it, were it not for cycles. */
  readonly isRouted: boolean
}

/** Letters sent on, by why: what a broker counts. */
export function noDeaths(): Record<DeathReason, number> {
  return { rejected: 0, expired: 0, maxlen: 0, delivery_limit: 0 }
}

export class DeadLetterer implements DeadLetterSink {
  private readonly topology: DeadLetterTopology
  private readonly clock: Clock
  private readonly counts: Record<DeathReason, number>
  private readonly header = new ContentHeader()
  private readonly waiting: Dying[] = []
  private isWorking = false

  /** `counts` are what was sent on, by reason. */
  constructor(topology: DeadLetterTopology, clock: Clock, counts: Record<DeathReason, number>) {
    this.topology = topology
    this.clock = clock
    this.counts = counts
  }

  deadLetter(place: DeathPlace, message: Message, reason: DeathReason): void {
    this.waiting.push({ place, message, reason })
    if (this.hold()) this.release()
  }

  deadLetterSurely(
    place: DeathPlace, message: Message, reason: DeathReason, onlyTo: readonly string[] | null,
  ): readonly string[] | null {
    const way = this.wayOf({ place, message, reason })
    if (way === null || !way.isRouted) return null
    const isHolder = this.hold()
    const { route, letter } = way
    if (onlyTo === null) this.counts[reason]++
    const targets = route.queues.filter(({ name }) => onlyTo === null || onlyTo.includes(name))
    if (onlyTo === null && route.histories.length > 0) {
      this.topology.publish({ ...route, queues: [] }, letter)
    }
    const missed = targets.filter((queue) => !queue.publish(letter))
    if (isHolder) this.release()
    return missed.map(({ name }) => name)
  }

  /** Letters wait from here to `release`. False when they do already: then that is not the caller's. */
  hold(): boolean {
    if (this.isWorking) return false
    return this.isWorking = true
  }

  release(): void {
    let dying: Dying | undefined
    while ((dying = this.waiting.shift()) !== undefined) {
      const way = this.wayOf(dying)
      if (way === null) continue
      this.counts[dying.reason]++
      this.topology.publish(way.route, way.letter)
    }
    this.isWorking = false
  }

  /** The letter and where it goes; null when there is no such exchange. */
  private wayOf({ place, message, reason }: Dying): Way | null {
    const { deadLetterExchange, deadLetterRoutingKey } = place.settings
    const exchange = deadLetterExchange === null ? null : this.topology.findExchange(deadLetterExchange)
    if (exchange === null) return null
    const { header } = this
    header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
    const headers = header.decodeHeaders()
    const before = readHistory(headers, message.isDeadLetter)
    const routingKeys = [message.routingKey, ...wasRerouted(message, before) ? [] : copiedKeys(headers)]
    const death = {
      queue: place.name, reason, exchange: message.exchange, routingKeys,
      timeS: Math.floor(this.clock.nowMs / 1000),
      expiration: header.expirationAt < 0 ? null : header.text(header.expirationAt),
    }
    const history = addDeath(before, death)
    const properties = header.withHistory(HISTORY_HEADERS, historyHeaders(history, death, header))
    const envelope = envelopeOf(exchange.name, deadLetterRoutingKey, message.envelope)
    const letter = letterOf(message, envelope, properties)
    header.readProperties(letter.buf, letter.propertiesStart, letter.propertiesEnd)
    const keys = deadLetterRoutingKey === null ? routingKeys : [deadLetterRoutingKey]
    const route = this.topology.findRoute(exchange, keys, header)
    return {
      letter, route: reason === 'rejected' ? route : withoutCycles(route, history),
      isRouted: route.queues.length > 0,
    }
  }
}

/**
 * A letter that got a key of its own (x-dead-letter-routing-key) keeps its CC header, but no longer goes by
 * it (RabbitMQ 4).
 */
function wasRerouted({ routingKey }: Message, history: readonly FieldTable[]): boolean {
  const keys = history[0]?.get('routing-keys')
  return keys?.tag === 'A' && keys.value[0]?.value !== routingKey
}

function withoutCycles(route: Route<Queue>, history: readonly FieldTable[]): Route<Queue> {
  return { ...route, queues: route.queues.filter(({ name }) => !isCycle(history, name)) }
}

/** The same body in a message of its own: without expiration, published to the dead-letter exchange. */
function letterOf(message: Message, envelope: Envelope, properties: Buffer): Message {
  const buf = Buffer.concat([properties, message.buf.subarray(message.bodyStart, message.bodyEnd)])
  return new Message(envelope, buf, 0, properties.length, properties.length, buf.length, {
    isPersistent: message.isPersistent, expiresAtMs: Infinity, priority: message.priority, isDeadLetter: true,
  })
}

/** A key that is kept is kept byte for byte: it need not be UTF-8. */
function envelopeOf(exchange: string, newKey: string | null, { routingKey, wire }: Envelope): Envelope {
  if (newKey !== null) return new Envelope(exchange, newKey, encodeEnvelope(exchange, newKey))
  const exchangeBytes = encodeEnvelope(exchange, '').subarray(0, -1)
  return new Envelope(exchange, routingKey, Buffer.concat([exchangeBytes, wire.subarray(1 + wire[0]!)]))
}

function copiedKeys(headers: FieldTable | null): string[] {
  const copies = headers?.get('CC')
  return copies?.tag === 'A' ? copies.value.flatMap((item) => (item.tag === 'S' ? [item.value] : [])) : []
}
