// The expiration property: a decimal number of milliseconds as text, up to ten years (RabbitMQ; behaviours
// §5.1).
import { preconditionFailed } from './errors.ts'

const TTL_MS_MAX = 315_360_000_000

/** Milliseconds. Errors: precondition-failed, in RabbitMQ's words. */
export function readExpiration(text: string): number {
  const match = /^([+-]?\d+)(.*)$/s.exec(text)
  if (match === null) throw invalid(text, 'no_integer')
  const [, digits = '', rest = ''] = match
  if (rest !== '') throw invalid(text, `{leftover_string,"${rest}"}`)
  const ms = BigInt(digits)
  if (ms < 0n) throw invalid(text, `{value_negative,${ms}}`)
  if (ms > BigInt(TTL_MS_MAX)) throw invalid(text, `{value_too_large,${ms}}`)
  return Number(ms)
}

const invalid = (text: string, problem: string): Error =>
  preconditionFailed(`invalid expiration '${text}': ${problem}`)
