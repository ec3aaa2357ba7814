// x-message-deduplication: a fanout that lets a message pass once (RabbitMQ's plugin of that name). What it
// remembers is not the router's business (duplicate-filter.ts): an exchange of any other type does the same
// with the argument x-message-deduplication. Here is what the arguments may say, for both.
import {
  KEYS_MAX, KEYS_MAX_DEFAULT, KEY_WINDOW_MS_MAX, readPositive,
} from '../protocol/deduplication-limits.ts'
import { preconditionFailed } from '../protocol/errors.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { ExchangeType } from './exchange-type.ts'
import { fanout } from './fanout.ts'

const NAME = 'x-message-deduplication'
const SIZE = 'x-cache-size'
const WINDOW = 'x-cache-ttl'
const PERSISTENCE = 'x-cache-persistence'

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
      throw preconditionFailed(`Missing argument, '${SIZE}' must be an integer from 1 to ${KEYS_MAX}`)
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
  const size = args.get(SIZE)
  const keysMax = size === undefined ? KEYS_MAX_DEFAULT : readPositive(size, KEYS_MAX)
  if (keysMax === null) return `'${SIZE}' must be an integer from 1 to ${KEYS_MAX}`
  const window = args.get(WINDOW)
  const keyWindowMs = window === undefined ? Infinity : readPositive(window, KEY_WINDOW_MS_MAX)
  if (keyWindowMs === null) return `'${WINDOW}' must be an integer from 1 to ${KEY_WINDOW_MS_MAX}`
  return { keysMax, keyWindowMs, isStored: persistence === 'disk' }
}
