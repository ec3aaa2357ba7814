// A policy's pattern, which need not be an administrator's, on names that anybody gives: matched in a bounded
// time, because everything else waits for it. RabbitMQ's PCRE gives a match up after so many steps, and the
// policy does not apply; so it is here, by time. Made by policies.ts. Invariant: a pattern that takes long
// does so once.
import { createContext, Script } from 'node:vm'
import type { Context } from 'node:vm'
import { compilePattern } from './pattern.ts'

/** Wall-clock, and generous: a machine that was busy for so long must not end a policy. */
const MATCHING_MS_MAX = 500

/** Beyond these a match of 255 characters may take more than some milliseconds. */
const REPETITIONS_MAX = 2
const GROUPS_MAX = 8

const matching = new Script('pattern.test(name)')
/** Made when the first pattern needs it: half a millisecond and some memory. */
let context: Context | null = null

export class BoundedPattern {
  /** Took too long for some name, and fits none any more. */
  isGivenUp = false
  private readonly pattern: RegExp
  private readonly isQuick: boolean

  /** Errors: PatternInvalid. */
  constructor(text: string) {
    this.pattern = compilePattern(text)
    this.isQuick = isQuick(this.pattern.source)
  }

  test(name: string): boolean {
    if (this.isGivenUp) return false
    return this.isQuick ? this.pattern.test(name) : this.testApart(name)
  }

  /** Costs 0.3 ms, which a declaration can bear (2026-11). */
  private testApart(name: string): boolean {
    context ??= createContext({})
    context['pattern'] = this.pattern
    context['name'] = name
    try {
      return matching.runInContext(context, { timeout: MATCHING_MS_MAX }) === true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      this.isGivenUp = true
      return false
    }
  }
}

/** Nothing is repeated that has a choice of its own, and little is repeated at all. In doubt it is not. */
function isQuick(source: string): boolean {
  if (/\\[1-9k]/.test(source)) return false // what was matched before is to come again
  const bare = source.replaceAll(/\\./g, 'x').replaceAll(/\[[^\]]*\]/g, 'x').replaceAll('(?', '(')
  if (/\)[*+{?]/.test(bare)) return false
  return count(bare, /[*+{?]/g) <= REPETITIONS_MAX && count(bare, /\(/g) <= GROUPS_MAX
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
