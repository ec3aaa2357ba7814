// x-recent-history: a fanout whose later bindings get the last messages, too (RabbitMQ's plugin of that
// name). The history is in memory: it begins anew with the broker.
import { preconditionFailed, printBinary } from '../protocol/errors.ts'
import { isInteger } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import type { Binding } from './binding.ts'
import { DestinationCounts } from './destination-counts.ts'
import type { ExchangeType, HeaderSource, Router } from './exchange-type.ts'
import { History } from './history.ts'
import type { RouteSet } from './route-set.ts'

const LENGTH = 'x-recent-history-length'
const NO_STORE = 'x-recent-history-no-store'
const LENGTH_DEFAULT = 20

class RecentHistoryRouter implements Router {
  readonly isRepeatable = false
  readonly takesEveryKey = false
  readonly history: History
  private readonly destinations = new DestinationCounts()

  constructor(args: FieldTable) {
    this.history = new History(Number(args.get(LENGTH)?.value ?? LENGTH_DEFAULT))
  }

  bind(binding: Binding): void {
    this.destinations.add(binding.destination)
  }

  unbind(binding: Binding): void {
    this.destinations.remove(binding.destination)
  }

  route(_routingKey: string, headers: HeaderSource, out: RouteSet): void {
    if (headers.decodeHeaders()?.get(NO_STORE)?.value !== true) out.histories.push(this.history)
    this.destinations.addAllTo(out)
  }
}

export const recentHistory: ExchangeType = {
  name: 'x-recent-history',
  createRouter: (args) => new RecentHistoryRouter(args),
  validate(args) {
    const length = args.get(LENGTH)
    if (length === undefined || (isInteger(length) && length.value > 0)) return
    throw preconditionFailed(`Invalid argument ${print(length)}, '${LENGTH}' must be a positive integer`)
  },
}

function print(field: Field): string {
  return field.tag === 'S' ? printBinary(Buffer.from(field.value)) : String(field.value)
}
