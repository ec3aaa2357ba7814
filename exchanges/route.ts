// From an exchange and a key to queues: through exchange-to-exchange bindings and alternate exchanges, each
// exchange once, each queue once (RabbitMQ). Used on a publish that differs from the channel's last one, and
// for every message that carries CC or BCC or passes an exchange that reads headers.
import type { Destination } from './binding.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderSource } from './exchange-type.ts'
import type { History } from './history.ts'
import { RouteSet } from './route-set.ts'

/** Where a message goes, and for how long that may be remembered. `Q` is what the vhost binds as queues. */
export interface Route<Q extends Destination> {
  readonly queues: readonly Q[]
  /** Where it is to be kept, besides. */
  readonly histories: readonly History[]
  /** False: to be found anew for each message, because it depends on more than exchange and key. */
  readonly isCacheable: boolean
}

const NO_HISTORIES: readonly History[] = []

export class RouteFinder<Q extends Destination> {
  private readonly found = new RouteSet()
  private readonly findExchange: (name: string) => Exchange | null

  constructor(findExchange: (name: string) => Exchange | null) {
    this.findExchange = findExchange
  }

  find(start: Exchange, routingKeys: readonly string[], headers: HeaderSource): Route<Q> {
    const { found } = this
    found.begin()
    found.add(start)
    let isCacheable = true
    for (let at = 0; at < found.exchanges.length; at++) {
      const exchange = found.exchanges[at] as Exchange
      const { router } = exchange
      const matchesBefore = found.matches
      if (router.takesEveryKey) for (const key of routingKeys) router.route(key, headers, found)
      else router.route(routingKeys[0]!, headers, found)
      isCacheable &&= router.isRepeatable
      if (found.matches === matchesBefore) this.addAlternate(exchange)
    }
    const histories = found.histories.length === 0 ? NO_HISTORIES : found.histories.slice()
    return { queues: found.queues.slice() as Destination[] as Q[], histories, isCacheable }
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
