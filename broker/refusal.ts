// What an administrator asked for and cannot have, in RabbitMQ's words: an unknown policy key, a permission
// for nobody, definitions that name what is not there. The HTTP door and the boot tell it; AMQP has its own
// AmqpError. Invariant: when it is thrown, nothing has changed.

export class Refusal extends Error {
  override name = 'Refusal'
  readonly kind: 'bad_request' | 'not_found' | 'precondition_failed'

  constructor(reason: string, kind: Refusal['kind'] = 'bad_request') {
    super(reason)
    this.kind = kind
  }
}

/** A list of what RabbitMQ prints as Erlang terms: JSON values in its syntax. */
export function printTerm(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '<<>>' : `<<${JSON.stringify(value)}>>`
  if (Array.isArray(value)) return `[${value.map(printTerm).join(',')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const pairs = Object.entries(value).map(([key, item]) => `${printTerm(key)} => ${printTerm(item)}`)
  return `#{${pairs.join(',')}}`
}

/** `[{<<"key">>,value},…]`, by key. */
export function printTermPairs(values: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(values).toSorted()
  return `[${keys.map((key) => `{${printTerm(key)},${printTerm(values[key])}}`).join(',')}]`
}
