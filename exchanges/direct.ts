// direct: the destinations bound with exactly the message's key (AMQP 0-9-1 §3.1.3.1). The default exchange
// is one of these, to which the vhost binds every queue by its own name.
import { DestinationCounts } from './destination-counts.ts'
import type { Binding } from './binding.ts'
import type { ExchangeType, HeaderSource, Router } from './exchange-type.ts'
import type { RouteSet } from './route-set.ts'

class DirectRouter implements Router {
  readonly isRepeatable = true
  readonly takesEveryKey = true
  private readonly byKey = new Map<string, DestinationCounts>()

  bind(binding: Binding): void {
    let destinations = this.byKey.get(binding.routingKey)
    if (destinations === undefined) this.byKey.set(binding.routingKey, destinations = new DestinationCounts())
    destinations.add(binding.destination)
  }

  unbind(binding: Binding): void {
    const destinations = this.byKey.get(binding.routingKey)
    if (destinations === undefined) return
    destinations.remove(binding.destination)
    if (destinations.isEmpty) this.byKey.delete(binding.routingKey)
  }

  route(routingKey: string, _headers: HeaderSource, out: RouteSet): void {
    this.byKey.get(routingKey)?.addAllTo(out)
  }
}

export const direct: ExchangeType = {
  name: 'direct',
  createRouter: () => new DirectRouter(),
}
