// x-modulus-hash: the hash of the key modulo the number of destinations, which are counted in the order of
// their names, so that a key goes the same way after a restart (RabbitMQ 4.3 has it in its core).
import type { Binding } from './binding.ts'
import { DestinationCounts } from './destination-counts.ts'
import type { ExchangeType, HeaderSource, Router } from './exchange-type.ts'
import { hashOf } from './hash.ts'
import type { RouteSet } from './route-set.ts'

class ModulusHashRouter implements Router {
  readonly isRepeatable = true
  readonly takesEveryKey = false
  private readonly destinations = new DestinationCounts()

  bind(binding: Binding): void {
    this.destinations.add(binding.destination)
  }

  unbind(binding: Binding): void {
    this.destinations.remove(binding.destination)
  }

  route(routingKey: string, _headers: HeaderSource, out: RouteSet): void {
    const { inOrder } = this.destinations
    if (inOrder.length > 0) out.add(inOrder[hashOf(routingKey) % inOrder.length]!)
  }
}

export const modulusHash: ExchangeType = {
  name: 'x-modulus-hash',
  createRouter: () => new ModulusHashRouter(),
}
