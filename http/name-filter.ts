// The `name` of a paged list: a part of the name, or with use_regex=true a pattern; neither minds the case
// (RabbitMQ). A pattern is run apart and with a limit in time, all names at once: one that backtracks for
// ever must not stop the broker.
import { createContext, Script } from 'node:vm'
import { badRequest } from './errors.ts'

/** RabbitMQ's limit. */
const PATTERN_LENGTH_MAX = 1024
/** Wall-clock: a busy machine may take some for nothing. */
const MATCHING_MS_MAX = 100

const script = new Script(
  'const pattern = new RegExp(source, "i"); names.map((name) => pattern.test(name) ? 1 : 0).join("")')

/** The places of the names that fit. Errors: HttpError for a pattern that is too long or takes too long. */
export function matchNames(names: readonly string[], wanted: string, isPattern: boolean): number[] {
  if (isPattern) return matchPattern(names, wanted)
  const part = wanted.toLowerCase()
  return placesWhere(names, (name) => name.toLowerCase().includes(part))
}

function matchPattern(names: readonly string[], source: string): number[] {
  if (source.length > PATTERN_LENGTH_MAX) throw badRequest(`regex_too_long: ${source.length}`)
  if (!isPattern(source)) return [] // RabbitMQ: an empty page
  const context = createContext({ source, names })
  try {
    const marks = String(script.runInContext(context, { timeout: MATCHING_MS_MAX }))
    return placesWhere(names, (_name, at) => marks[at] === '1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw badRequest(`regex_too_slow: ${source} took longer than ${MATCHING_MS_MAX} ms`)
  }
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'i') instanceof RegExp
  } catch {
    return false
  }
}

function placesWhere(names: readonly string[], holds: (name: string, at: number) => boolean): number[] {
  const places: number[] = []
  for (let at = 0; at < names.length; at++) if (holds(names[at]!, at)) places.push(at)
  return places
}
