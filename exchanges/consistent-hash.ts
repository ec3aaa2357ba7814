// x-consistent-hash: one destination by the hash of the routing key, a header or a property; binding keys are
// weights (RabbitMQ's plugin of that name). Weighted rendezvous hashing: each destination draws a number from
// its own name and the value, and the best one has the message. So a binding that comes or goes moves only
// what it gains or loses, and nothing but the bindings decides: the same way after a restart.
import { preconditionFailed, printBinary } from '../protocol/errors.ts'
import { FIELD_TYPE_NAMES } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import { canonicalField } from '../protocol/table-json.ts'
import type { Binding, Destination } from './binding.ts'
import type { ExchangeType, HeaderSource, RoutedProperty, Router } from './exchange-type.ts'
import { hashOf } from './hash.ts'
import type { RouteSet } from './route-set.ts'

const HEADER = 'hash-header'
const PROPERTY = 'hash-property'
/** Of one binding: each is a bucket of RabbitMQ's. */
const WEIGHT_MAX = 10_000
const PROPERTIES: readonly string[] = ['correlation_id', 'message_id', 'timestamp'] satisfies RoutedProperty[]

interface Share {
  readonly destination: Destination
  readonly seed: number
  /** The first counts, as long as it is there: a queue bound twice has no second share (RabbitMQ). */
  readonly bindings: Binding[]
}

class ConsistentHashRouter implements Router {
  readonly isRepeatable: boolean
  readonly takesEveryKey = false
  private readonly header: string | null
  private readonly propertyName: RoutedProperty | null
  private readonly shares = new Map<Destination, Share>()

  constructor(args: FieldTable) {
    this.header = (args.get(HEADER)?.value ?? null) as string | null
    this.propertyName = (args.get(PROPERTY)?.value ?? null) as RoutedProperty | null
    this.isRepeatable = this.header === null && this.propertyName === null
  }

  bind(binding: Binding): void {
    const { destination } = binding
    const share = this.shares.get(destination)
    if (share !== undefined) share.bindings.push(binding)
    else {
      const seed = hashOf(`${destination.kind} ${destination.name}`)
      this.shares.set(destination, { destination, seed, bindings: [binding] })
    }
  }

  unbind(binding: Binding): void {
    const share = this.shares.get(binding.destination)
    const at = share?.bindings.findIndex(({ key }) => key === binding.key) ?? -1
    if (share === undefined || at < 0) return
    share.bindings.splice(at, 1)
    if (share.bindings.length === 0) this.shares.delete(binding.destination)
  }

  route(routingKey: string, headers: HeaderSource, out: RouteSet): void {
    const value = this.valueOf(routingKey, headers)
    let best: Share | null = null
    let bestScore = -1
    for (const share of this.shares.values()) {
      const score = scoreOf(value, share)
      if (score < bestScore || (score === bestScore && !isBefore(share, best!))) continue
      best = share
      bestScore = score
    }
    if (best !== null) out.add(best.destination)
  }

  /** A message that lacks what is asked for goes where all of these go (RabbitMQ). */
  private valueOf(routingKey: string, headers: HeaderSource): string {
    if (this.propertyName !== null) return headers.property(this.propertyName) ?? ''
    if (this.header === null) return routingKey
    const field = headers.decodeHeaders()?.get(this.header)
    return field === undefined ? '' : canonicalField(field)
  }
}

/** From a number between 0 and 1 and a weight: the larger the weight, the closer to the top it is drawn. */
function scoreOf(value: string, { seed, bindings }: Share): number {
  const drawn = (hashOf(value, seed) + 0.5) / 0x1_0000_0000
  return Number(bindings[0]!.routingKey) / -Math.log(drawn)
}

/** Two that drew the same: the order in which they were bound may not decide. */
function isBefore(a: Share, b: Share): boolean {
  return a.destination.kind + a.destination.name < b.destination.kind + b.destination.name
}

export const consistentHash: ExchangeType = {
  name: 'x-consistent-hash',
  createRouter: (args) => new ConsistentHashRouter(args),
  validate(args, what) {
    const header = args.get(HEADER)
    const property = args.get(PROPERTY)
    if (header !== undefined && property !== undefined) {
      throw preconditionFailed(`${HEADER} and ${PROPERTY} are mutually exclusive`)
    }
    if (header !== undefined && header.tag !== 'S') {
      const got = FIELD_TYPE_NAMES[header.tag]
      throw preconditionFailed(`invalid type '${got}' for arg '${HEADER}' in ${what}`)
    }
    if (property !== undefined && (property.tag !== 'S' || !PROPERTIES.includes(property.value))) {
      throw preconditionFailed(`Unsupported property: ${String(property.value)}`)
    }
  },
  validateBinding(routingKey) {
    if (!/^[+-]?\d+$/.test(routingKey)) {
      throw preconditionFailed(`The binding key must be an integer: ${printBinary(Buffer.from(routingKey))}`)
    }
    if (Number(routingKey) < 1) throw preconditionFailed('The binding key must be greater than 0')
    if (Number(routingKey) > WEIGHT_MAX) {
      throw preconditionFailed(`The binding key must not exceed ${WEIGHT_MAX}`)
    }
  },
}
