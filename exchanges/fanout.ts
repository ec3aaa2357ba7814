// fanout: every destination, whatever the key (AMQP 0-9-1 §3.1.3.2).
import { DestinationCounts } from './destination-counts.ts'
import type { Binding } from './binding.ts'
import type { ExchangeType, HeaderSource, Router } from './exchange-type.ts'
import type { RouteSet } from './route-set.ts'

class FanoutRouter implements Router {
  readonly isRepeatable = true
  readonly takesEveryKey = true
  private readonly destinations = new DestinationCounts()

  bind(binding: Binding): void {
    this.destinations.add(binding.destination)
  }

  unbind(binding: Binding): void {
    this.destinations.remove(binding.destination)
  }

  route(_routingKey: string, _headers: HeaderSource, out: RouteSet): void {
    this.destinations.addAllTo(out)
  }
}

export const fanout: ExchangeType = {
  name: 'fanout',
  createRouter: () => new FanoutRouter(),
}
