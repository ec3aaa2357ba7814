// x-random: one of the destinations, any of them, whatever the key (RabbitMQ's plugin of that name).
import type { Random } from '../base/random.ts'
import type { Binding } from './binding.ts'
import { DestinationCounts } from './destination-counts.ts'
import { Dice } from './dice.ts'
import type { ExchangeType, HeaderSource, Router } from './exchange-type.ts'
import type { RouteSet } from './route-set.ts'

export class RandomRouter implements Router {
  readonly isRepeatable = false
  readonly takesEveryKey = false
  private readonly destinations = new DestinationCounts()
  private readonly dice: Dice

  constructor(random: Random) {
    this.dice = new Dice(random)
  }

  bind(binding: Binding): void {
    this.destinations.add(binding.destination)
  }

  unbind(binding: Binding): void {
    this.destinations.remove(binding.destination)
  }

  route(_routingKey: string, _headers: HeaderSource, out: RouteSet): void {
    const { inOrder } = this.destinations
    if (inOrder.length > 0) out.add(inOrder[this.dice.roll(inOrder.length)]!)
  }
}

export const random: ExchangeType = {
  name: 'x-random',
  createRouter: (_args, source) => new RandomRouter(source),
}
