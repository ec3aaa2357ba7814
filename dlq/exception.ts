// The headers that workers put their errors into, most telling first. Read by the overview of dead letters
// and by filters; a framework that names its header otherwise is a row more.
import type { FieldTable } from '../protocol/table.ts'

export const EXCEPTION_HEADERS = [
  'x-exception-message', // Spring AMQP, RepublishMessageRecoverer
  'x-exception-type',
  'x-exception',
  'MT-Fault-Message', // MassTransit
  'x-error-message',
  'x-error',
  'error',
] as const

/** A stack trace is not what letters are grouped by. */
const TEXT_MAX = 200

/** The first line of the first of them; null when there is none. */
export function exceptionOf(headers: FieldTable | null): string | null {
  for (const name of EXCEPTION_HEADERS) {
    const field = headers?.get(name)
    if (field?.tag === 'S') return field.value.split('\n', 1)[0]!.slice(0, TEXT_MAX)
  }
  return null
}
