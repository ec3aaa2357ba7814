// JSON that somebody sent, in a body, a header or a message. Invariant: what comes out is nested so little
// that whoever walks it, by calling itself, comes to an end; JSON.parse has no such limit, and JSON.stringify
// ends the stack.
import { badRequest } from './errors.ts'

/** AMQP's tables may be nested 64 deep, and definitions have some levels around them. */
const NESTING_MAX = 100

/** Undefined for what is no JSON. Errors: HttpError for what is nested too deep. */
export function parseJson(text: string): unknown {
  const value = parse(text)
  if (isDeeper(value, NESTING_MAX)) throw badRequest(`nested deeper than ${NESTING_MAX}`)
  return value
}

/** Undefined also for what is nested too deep. */
export function findJson(text: string): unknown {
  const value = parse(text)
  return isDeeper(value, NESTING_MAX) ? undefined : value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // JSON has no such value
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  const items: unknown[] = Object.values(value)
  return levels === 0 || items.some((item) => isDeeper(item, levels - 1))
}
