// headers: a binding's arguments are compared with the message's headers; x-match says whether all or any
// must agree, and whether names that start with `x-` take part (AMQP 0-9-1 §3.1.3.4; rules as RabbitMQ's,
// behaviours §3.6).
import { preconditionFailed, printBinary } from '../protocol/errors.ts'
import { canonicalField } from '../protocol/table-json.ts'
import { FIELD_TYPE_NAMES, isInteger } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import type { Binding } from './binding.ts'
import type { ExchangeType, HeaderSource, Router } from './exchange-type.ts'
import type { RouteSet } from './route-set.ts'

const MATCHES = ['all', 'any', 'all-with-x', 'any-with-x']

class HeadersRouter implements Router {
  readonly isRepeatable = false
  readonly takesEveryKey = true
  private readonly bindings = new Map<string, { readonly binding: Binding; readonly matcher: Matcher }>()

  bind(binding: Binding): void {
    this.bindings.set(binding.key, { binding, matcher: new Matcher(binding.args) })
  }

  unbind(binding: Binding): void {
    this.bindings.delete(binding.key)
  }

  route(_routingKey: string, source: HeaderSource, out: RouteSet): void {
    const headers = source.decodeHeaders()
    for (const { binding, matcher } of this.bindings.values()) {
      if (matcher.matches(headers)) out.add(binding.destination)
    }
  }
}

class Matcher {
  private readonly needsAll: boolean
  /** null: the header must be there, with any value. */
  private readonly wanted: (readonly [string, Field | null])[]

  constructor(args: FieldTable) {
    const match = args.get('x-match')?.value ?? 'all'
    this.needsAll = match === 'all' || match === 'all-with-x'
    const withX = match === 'all-with-x' || match === 'any-with-x'
    this.wanted = [...args]
      .filter(([name]) => name !== 'x-match' && (withX || !name.startsWith('x-')))
      .map(([name, field]) => [name, field.tag === 'V' ? null : field])
  }

  /** Without anything to compare, `all` matches every message and `any` none. */
  matches(headers: FieldTable | null): boolean {
    const agrees = ([name, field]: readonly [string, Field | null]): boolean => {
      const header = headers?.get(name)
      return header !== undefined && name !== 'BCC' && (field === null || areEqual(field, header))
    }
    return this.needsAll ? this.wanted.every(agrees) : this.wanted.some(agrees)
  }
}

/**
 * Widths do not count (`I` 1 is `l` 1, `f` 1.0 is `d` 1.0, `S` is `x`), kinds do: 1 is neither 1.0 nor true
 * nor "1".
 */
function areEqual(a: Field, b: Field): boolean {
  if (isInteger(a) && isInteger(b)) return BigInt(a.value) === BigInt(b.value)
  if ((a.tag === 'f' || a.tag === 'd') && (b.tag === 'f' || b.tag === 'd')) return a.value === b.value
  if ((a.tag === 'S' || a.tag === 'x') && (b.tag === 'S' || b.tag === 'x')) {
    return Buffer.from(a.value as string).equals(Buffer.from(b.value as string))
  }
  if (isEmptyCollection(a) && isEmptyCollection(b)) return true
  return a.tag === b.tag && canonicalField(a) === canonicalField(b)
}

/** To RabbitMQ an empty table is an empty array. */
function isEmptyCollection(field: Field): boolean {
  return (field.tag === 'A' && field.value.length === 0) || (field.tag === 'F' && field.value.size === 0)
}

export const headers: ExchangeType = {
  name: 'headers',
  createRouter: () => new HeadersRouter(),
  validateBinding(_routingKey, args) {
    const match = args.get('x-match')
    if (match === undefined) return
    if (match.tag !== 'S') {
      throw preconditionFailed(`Invalid x-match field type ${FIELD_TYPE_NAMES[match.tag]} `
        + `(value ${String(match.value)}); expected longstr`)
    }
    if (!MATCHES.includes(match.value)) {
      throw preconditionFailed(`Invalid x-match field value ${printBinary(Buffer.from(match.value))}; `
        + 'expected all, any, all-with-x, or any-with-x')
    }
  },
}
