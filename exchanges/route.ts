// From an exchange and a key to queues: through exchange-to-exchange bindings and alternate exchanges, each
// exchange once, each queue once (RabbitMQ). Used on a publish that differs from the channel's last one, and
// for every message that carries CC or BCC or passes an exchange that reads headers.
import type { Destination } from './binding.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderSource } from './exchange-type.ts'
import type { History } from './history.ts'
import { RouteSet } from './route-set.ts'

/** What the deduplicating exchanges on its way made of a message with a key. */
export interface Sightings {
  readonly key: string
  /** They let it pass: to be told of it when it is published. */
  readonly first: readonly Exchange[]
  /** It was a duplicate there, and goes nowhere from there, not to an alternate either. */
  readonly repeated: readonly Exchange[]
}

/** Where a message goes, and for how long that may be remembered. `Q` is what the vhost binds as queues. */
export interface Route<Q extends Destination> {
  readonly queues: readonly Q[]
  /** Where it is to be kept, besides. */
  readonly histories: readonly History[]
  /** Null: no exchange on its way deduplicates, or the message has no key. */
  readonly sightings: Sightings | null
  /** False: to be found anew for each message, because it depends on more than exchange and key. */
  readonly isCacheable: boolean
}

interface Seen extends Sightings {
  readonly first: Exchange[]
  readonly repeated: Exchange[]
}

const NO_HISTORIES: readonly History[] = []

export class RouteFinder<Q extends Destination> {
  private readonly found = new RouteSet()
  private readonly findExchange: (name: string) => Exchange | null

  constructor(findExchange: (name: string) => Exchange | null) {
    this.findExchange = findExchange
  }

  /** `key`: as what exchanges know a message again; null for one that they let pass. */
  find(
    start: Exchange, routingKeys: readonly string[], headers: HeaderSource, key: string | null = null,
  ): Route<Q> {
    const { found } = this
    found.begin()
    found.add(start)
    let isCacheable = true
    let sightings: Seen | null = null
    for (let at = 0; at < found.exchanges.length; at++) {
      const exchange = found.exchanges[at] as Exchange
      const { router, filter } = exchange
      isCacheable &&= router.isRepeatable && filter === null
      if (filter !== null && key !== null) {
        sightings ??= { key, first: [], repeated: [] }
        const isKnown = filter.knows(key)
        if (isKnown) sightings.repeated.push(exchange)
        else sightings.first.push(exchange)
        if (isKnown) continue
      }
      const matchesBefore = found.matches
      if (router.takesEveryKey) for (const key of routingKeys) router.route(key, headers, found)
      else router.route(routingKeys[0]!, headers, found)
      if (found.matches === matchesBefore) this.addAlternate(exchange)
    }
    const histories = found.histories.length === 0 ? NO_HISTORIES : found.histories.slice()
    return { queues: found.queues.slice() as Destination[] as Q[], histories, sightings, isCacheable }
  }

  /**
   * The default exchange named as an alternate routes nothing, and one that is missing is no error
   * (RabbitMQ).
   */
  private addAlternate(exchange: Exchange): void {
    if (exchange.alternateName === null || exchange.alternateName === '') return
    const alternate = this.findExchange(exchange.alternateName)
    if (alternate !== null) this.found.add(alternate)
  }
}
