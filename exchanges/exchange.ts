// An exchange: a named router with its bindings. It knows neither queues nor the vhost; what happens to it
// around its bindings (auto-delete, records on disk) is the vhost's business.
import type { Random } from '../base/random.ts'
import { ExchangeTraffic } from '../base/traffic.ts'
import type { Binding, Destination } from './binding.ts'
import type { DuplicateFilter } from './duplicate-filter.ts'
import type { ExchangeType, Router } from './exchange-type.ts'
import type { FieldTable } from '../protocol/table.ts'

export interface ExchangeFlags {
  readonly isDurable: boolean
  readonly isAutoDelete: boolean
  readonly isInternal: boolean
}

export class Exchange implements Destination {
  readonly kind = 'exchange'
  readonly name: string
  readonly type: ExchangeType
  readonly flags: ExchangeFlags
  readonly args: FieldTable
  readonly router: Router
  /** Where a message goes that finds no destination here: as its argument says, or else its policy. */
  alternateName: string | null = null
  /** What came by, where that counts; given by the broker. Null: everything passes. */
  filter: DuplicateFilter | null = null
  /** Bindings of which this is the source, by Binding.key. */
  readonly bindings = new Map<string, Binding>()
  readonly traffic = new ExchangeTraffic()
  routeMark = 0

  constructor(name: string, type: ExchangeType, flags: ExchangeFlags, args: FieldTable, random: Random) {
    this.name = name
    this.type = type
    this.flags = flags
    this.args = args
    this.router = type.createRouter(args, random)
    this.applyAlternate(null)
  }

  /** What a policy names as alternate; an argument goes before it (RabbitMQ). */
  applyAlternate(fromPolicy: string | null): void {
    const argument = this.args.get('alternate-exchange')
    this.alternateName = argument?.tag === 'S' ? argument.value : fromPolicy
  }

  /** Returns false when the same binding is there already. */
  bind(binding: Binding): boolean {
    if (this.bindings.has(binding.key)) return false
    this.bindings.set(binding.key, binding)
    this.router.bind(binding)
    return true
  }

  unbind(binding: Binding): void {
    if (this.bindings.delete(binding.key)) this.router.unbind(binding)
  }
}
