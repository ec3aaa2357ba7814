// Moves messages out of a queue to where they should have gone: to the queue they died in, to the exchange
// they were first published to, or elsewhere. Called by redrive-job.ts and by the HTTP door for one message.
// Invariant: a message is put at its destination and dropped at its source in one turn, so in one batch of
// the store, like a dead letter; what nobody takes stays where it is.
import type { Clock } from '../base/clock.ts'
import type { HeaderSource } from '../exchanges/exchange-type.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { Route } from '../exchanges/route.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { readExpiration } from '../protocol/expiration.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { Entry } from '../queues/entry.ts'
import { Envelope, Message } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import { deathsOf } from './death-view.ts'
import { HISTORY_HEADERS } from './x-death.ts'

/**
 * `died`: the queue of the latest death, past every exchange. `origin`: the exchange and the routing keys of
 * that death. Otherwise an exchange, with a key of its own or the message's.
 */
export type Destination =
  | { readonly kind: 'died' }
  | { readonly kind: 'origin' }
  | { readonly kind: 'exchange'; readonly exchange: string; readonly routingKey: string | null }

/** What redriving needs of the vhost. */
export interface RedriveTopology {
  findExchange(name: string): Exchange | null
  findRoute(exchange: Exchange, routingKeys: readonly string[], headers: HeaderSource): Route<Queue>
  /** A message that `isMoved` is nobody's duplicate. */
  publish(route: Route<Queue>, message: Message, dueMs: number, isMoved: boolean): number
}

/** Why a message stayed. */
export type Stay = 'no-history' | 'forbidden' | 'unroutable' | 'full'

/** A message on its way. */
export interface Passage {
  readonly message: Message
  readonly route: Route<Queue>
}

export interface Redriver {
  readonly destination: Destination
  readonly keepsHistory: boolean
  mayWrite(exchange: string): boolean
}

export class Redrive {
  private readonly topology: RedriveTopology
  private readonly clock: Clock
  private readonly header = new ContentHeader()

  constructor(topology: RedriveTopology, clock: Clock) {
    this.topology = topology
    this.clock = clock
  }

  /** Where a message would go now, and as what. */
  plan({ message }: Entry, { destination, keepsHistory, mayWrite }: Redriver): Passage | Stay {
    const target = this.targetOf(message, destination)
    if (target === null) return 'no-history'
    const { exchange: name, routingKeys } = target
    if (!mayWrite(name)) return 'forbidden'
    const exchange = this.topology.findExchange(name)
    if (exchange === null) return 'unroutable'
    const moved = this.readdressed(message, name, routingKeys[0] ?? message.routingKey, keepsHistory)
    this.header.readProperties(moved.buf, moved.propertiesStart, moved.propertiesEnd)
    const route = this.topology.findRoute(exchange, routingKeys, this.header)
    if (route.queues.length === 0) return 'unroutable'
    return { message: moved, route }
  }

  /** Some queue has room for it now. */
  isWelcome({ message, route }: Passage): boolean {
    return route.queues.some((queue) => !isRejecting(queue, message))
  }

  /** All queues have room for it, whatever goes there before. */
  isCertain({ route }: Passage): boolean {
    return route.queues.every(({ settings }) => settings.overflow === 'drop-head')
  }

  /** Of an entry that was taken out of its queue; some queue must be known to take it. */
  move(source: Queue, entry: Entry, { message, route }: Passage): void {
    // It may go to where it is, with the key that it has.
    source.forget(entry)
    this.topology.publish(route, message, 0, true)
  }

  private targetOf(
    message: Message, destination: Destination,
  ): { exchange: string; routingKeys: readonly string[] } | null {
    if (destination.kind === 'exchange') {
      const { exchange, routingKey } = destination
      return { exchange, routingKeys: [routingKey ?? message.routingKey] }
    }
    this.header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
    const [death] = deathsOf(this.header.decodeHeaders(), message.isDeadLetter)
    if (death === undefined) return null
    if (destination.kind === 'died') return { exchange: '', routingKeys: [death.queue] }
    return { exchange: death.exchange, routingKeys: death.routingKeys }
  }

  /**
   * The same properties and body under another address; the history stays, or it is as if it had never died.
   * A time to live of its own begins anew.
   */
  private readdressed(
    message: Message, exchange: string, routingKey: string, keepsHistory: boolean,
  ): Message {
    const { header, clock } = this
    const isSameKey = routingKey === message.routingKey
    const wire = encodeEnvelope(exchange, isSameKey ? message.rawKey ?? routingKey : routingKey)
    const envelope = new Envelope(exchange, routingKey, wire)
    header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
    const { isPersistent, priority } = message
    const traits = {
      isPersistent, priority, isDeadLetter: keepsHistory && message.isDeadLetter,
      expiresAtMs: header.expirationAt < 0
        ? Infinity : clock.nowMs + readExpiration(header.text(header.expirationAt)),
    }
    const { buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = message
    if (keepsHistory || header.headersAt < 0) {
      return new Message(envelope, buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd, traits)
    }
    const properties = header.withHeaders(HISTORY_HEADERS, EMPTY_TABLE)
    const copy = Buffer.concat([properties, buf.subarray(bodyStart, bodyEnd)])
    return new Message(envelope, copy, 0, properties.length, properties.length, copy.length, traits)
  }
}

function isRejecting(queue: Queue, { bodyBytes }: Message): boolean {
  return queue.settings.overflow !== 'drop-head' && queue.overflow.isFull(bodyBytes)
}
