// The shortest program that still shows a difference: steps are taken out in halves, quarters and one by one,
// then what is in them. Called by run.ts. Invariant: what is returned was seen to differ, and as the first
// one did: by the same kind of line on both brokers.

import type { Program, Step } from './program.ts'
import type { Place } from './transcript.ts'
import { judgeSlowly } from './verdict.ts'
import type { Bench } from './verdict.ts'

const attemptsMax = 400

/** What a difference looks like without its details: the names of the frames and what is odd about them. */
export function signatureOf({ leveret, rabbit }: Place): string {
  return `${kindOf(leveret)} | ${kindOf(rabbit)}`
}

function kindOf(line: string): string {
  const code = /"reply-code":(\d+),"reply-text":"([^"']*)/.exec(line)
  const name = line.replace(/^\d+\.\d+ /, '').trimStart().split(/[ {]/)[0] ?? ''
  return code === null ? name || 'nothing' : `${name} ${code[1]} ${code[2]}`
}

export class Shrinker {
  private attempts = 0
  private readonly benches: readonly Bench[]
  private readonly signature: string

  constructor(benches: readonly Bench[], signature: string) {
    this.benches = benches
    this.signature = signature
  }

  async shrink(program: Program): Promise<Program> {
    let best = program
    for (let size = Math.ceil(best.steps.length / 2); size > 1; size = Math.ceil(size / 2)) {
      best = await this.withoutRuns(best, size)
    }
    best = await this.withoutRuns(best, 1)
    best = await this.simplified(best)
    return this.withoutRuns(best, 1)
  }

  private async withoutRuns(program: Program, size: number): Promise<Program> {
    let best = program
    for (let from = 0; from < best.steps.length;) {
      const starts = Array.from({ length: this.benches.length }, (_, n) => from + n * size)
        .filter((start) => start < best.steps.length)
      const found = await this.firstThatDiffers(starts.map((start) =>
        ({ ...best, steps: best.steps.filter((_, at) => at < start || at >= start + size) })))
      if (found === null) from += starts.length * size
      else {
        from = starts[found.index]!
        best = found.program
      }
    }
    return best
  }

  private async simplified(program: Program): Promise<Program> {
    let best = program
    for (let at = 0; at < best.steps.length; at++) {
      for (;;) {
        const simpler = simplerSteps(best.steps[at]!)
        const found = await this.firstThatDiffers(simpler.map((step) =>
          ({ ...best, steps: best.steps.with(at, step) })))
        if (found === null) break
        best = found.program
      }
    }
    return best
  }

  private async firstThatDiffers(
    candidates: readonly Program[],
  ): Promise<{ index: number, program: Program } | null> {
    for (let from = 0; from < candidates.length; from += this.benches.length) {
      if (this.attempts > attemptsMax) return null
      const group = candidates.slice(from, from + this.benches.length)
      this.attempts += group.length
      const verdicts = await Promise.all(
        group.map((candidate, n) => judgeSlowly(this.benches[n]!, candidate)))
      const at = verdicts.findIndex((verdict) =>
        verdict.kind === 'differs' && signatureOf(verdict.place) === this.signature)
      if (at !== -1) return { index: from + at, program: group[at]! }
    }
    return null
  }
}

/** The step with one thing less in it. */
function simplerSteps(step: Step): Step[] {
  if (!('do' in step)) return []
  const simpler: Step[] = []
  for (const part of ['args', 'properties'] as const) {
    for (const [name, value] of Object.entries(step[part] ?? {})) {
      const { [name]: _, ...rest } = step[part]!
      if (value !== '' && !isEmptyList(value)) simpler.push({ ...step, [part]: rest })
      if (!Array.isArray(value) || value.length < 2) continue
      for (const at of value.keys()) {
        simpler.push({ ...step, [part]: { ...step[part], [name]: value.toSpliced(at, 1) } })
      }
    }
  }
  const { times, ...once } = step
  if (times !== undefined) simpler.push(once, ...times > 2 ? [{ ...step, times: times - 1 }] : [])
  const { properties, ...bare } = step
  if (properties !== undefined) simpler.push(bare)
  return simpler
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
