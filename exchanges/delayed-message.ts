// x-delayed-message: routes as the type that its argument x-delayed-type names (the delayed-message plugin).
// It delays nothing by itself: x-delay means the same through any exchange here (queues/delay.ts), and what
// was delayed once has its header negated, so that a dead letter that comes by is not delayed again.
import { preconditionFailed } from '../protocol/errors.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { ExchangeType } from './exchange-type.ts'

const DELAYED_TYPE = 'x-delayed-type'
const NAME = 'x-delayed-message'

/** `findType` knows every type, this one included, which is none that can be delayed. */
export function delayedMessage(findType: (name: string) => ExchangeType | null): ExchangeType {
  /** Errors: precondition-failed when the argument is missing, no string or no type. */
  const delayedType = (args: FieldTable): ExchangeType => {
    const named = args.get(DELAYED_TYPE)
    if (named?.tag !== 'S' || named.value === NAME) {
      throw preconditionFailed(`Invalid argument, '${DELAYED_TYPE}' must be an existing exchange type`)
    }
    const type = findType(named.value)
    if (type === null) throw preconditionFailed(`unknown exchange type '${named.value}'`)
    return type
  }
  return {
    name: NAME,
    createRouter: (args, random) => delayedType(args).createRouter(args, random),
    deduplicates: (args) => delayedType(args).deduplicates?.(args) ?? false,
    validate: (args, what) => delayedType(args).validate?.(args, what),
    validateBinding: (routingKey, args, target, exchangeArgs) =>
      delayedType(exchangeArgs).validateBinding?.(routingKey, args, target, exchangeArgs),
  }
}
