// x-message-deduplication: a fanout that lets a message pass once (RabbitMQ's plugin of that name). What it
// remembers is not the router's business (duplicate-filter.ts): an exchange of any other type does the same
// with the argument x-message-deduplication. Here is what the arguments may say, for both.
import { preconditionFailed } from '../protocol/errors.ts'
import { isInteger } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import type { ExchangeType } from './exchange-type.ts'
import { fanout } from './fanout.ts'

const NAME = 'x-message-deduplication'
const SIZE = 'x-cache-size'
const WINDOW = 'x-cache-ttl'
const PERSISTENCE = 'x-cache-persistence'
/** As of queues. */
const SIZE_MAX = 10_000_000
const SIZE_DEFAULT = 1_000_000
const WINDOW_MS_MAX = 315_360_000_000

export interface ExchangeDeduplication {
  readonly keysMax: number
  /** Infinity: a key is known until there are too many. */
  readonly keyWindowMs: number
  /** Keys of a durable exchange are stored. */
  readonly isStored: boolean
}

export const messageDeduplication: ExchangeType = {
  name: NAME,
  createRouter: (args, random) => fanout.createRouter(args, random),
  deduplicates: () => true,
  validate(args) {
    if (!args.has(SIZE)) {
      throw preconditionFailed(`Missing argument, '${SIZE}' must be an integer from 1 to ${SIZE_MAX}`)
    }
  },
}

/** Errors: precondition-failed, naming the argument and what it may be. */
export function validateExchangeDeduplication(type: ExchangeType, args: FieldTable): void {
  const problem = parseExchangeDeduplication(type, args)
  if (typeof problem === 'string') throw preconditionFailed(`Invalid argument, ${problem}`)
}

/** What an exchange is to remember, or what is wrong with that; null for one that does not deduplicate. */
export function parseExchangeDeduplication(
  type: ExchangeType, args: FieldTable,
): ExchangeDeduplication | string | null {
  const wish = args.get(NAME)
  if (wish !== undefined && wish.tag !== 't') return `'${NAME}' must be a boolean`
  if (wish?.value !== true && type.deduplicates?.(args) !== true) return null
  const persistence = args.get(PERSISTENCE)?.value ?? 'disk'
  if (persistence !== 'disk' && persistence !== 'memory') {
    return `'${PERSISTENCE}' must be either 'disk' or 'memory'`
  }
  const keysMax = numberOf(args.get(SIZE), SIZE_DEFAULT)
  if (!(keysMax >= 1 && keysMax <= SIZE_MAX)) return `'${SIZE}' must be an integer from 1 to ${SIZE_MAX}`
  const keyWindowMs = numberOf(args.get(WINDOW), Infinity)
  if (keyWindowMs >= 1 && (keyWindowMs <= WINDOW_MS_MAX || !args.has(WINDOW))) {
    return { keysMax, keyWindowMs, isStored: persistence === 'disk' }
  }
  return `'${WINDOW}' must be an integer from 1 to ${WINDOW_MS_MAX}`
}

/** An integer, also as text (the plugin); NaN for everything else. */
function numberOf(field: Field | undefined, absent: number): number {
  if (field === undefined) return absent
  if (isInteger(field)) return Number(field.value)
  return field.tag === 'S' && /^\d{1,16}$/.test(field.value) ? Number(field.value) : Number.NaN
}
