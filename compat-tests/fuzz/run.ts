// A run of the differential fuzzer: programs by the thousand, several at a time, a verdict on each, the
// differences shrunk and written out. Called by diff.ts (the command) and fuzz.test.ts (the short run).

import { onCleanBench } from './clean-bench.ts'
import { Coverage } from './coverage.ts'
import { generate } from './generators/index.ts'
import { stepText } from './program.ts'
import type { BrokerPlace } from './management.ts'
import type { Program } from './program.ts'
import { Shrinker, signatureOf } from './shrink.ts'
import { Seat } from './stage.ts'
import { stepLines } from './transcript.ts'
import { judge, judgePatiently, judgeSlowly } from './verdict.ts'
import type { Bench, Verdict } from './verdict.ts'

export interface RunOptions {
  readonly leveret: BrokerPlace
  readonly rabbit: BrokerPlace
  readonly seed: number
  readonly programs: number
  /** The programs' own seeds; without them they follow from `seed`. */
  readonly programSeeds?: readonly number[]
  readonly generator?: string | undefined
  /** No new programs after this time. */
  readonly boundMs?: number
  readonly concurrency?: number
  /** How many kinds of difference are shrunk. */
  readonly shrinkMax?: number
}

export interface Difference {
  readonly signature: string
  /** Of the first program that showed it. */
  readonly seed: number
  readonly generator: string
  count: number
  readonly example: Program
}

export interface RunResult {
  readonly played: number
  readonly secondLooks: number
  readonly undetermined: readonly string[]
  readonly differences: readonly Difference[]
  readonly report: string
  readonly summary: string
}

const concurrencyDefault = 24
/** Programs that are looked at once more, when the run is over. */
const reviewsAtOnce = 2

/** The seed of the n-th program. */
export const programSeed = (seed: number, n: number): number => (Math.imul(seed, 1_000_003) + n) >>> 0

export async function runFuzzer(options: RunOptions): Promise<RunResult> {
  const benches = Array.from({ length: options.concurrency ?? concurrencyDefault }, (_, n): Bench => ({
    leveret: new Seat(options.leveret, n), rabbit: new Seat(options.rabbit, n),
  }))
  try {
    return await new Run(options, benches).run()
  } finally {
    for (const bench of benches) {
      bench.leveret.end()
      bench.rabbit.end()
    }
  }
}

class Run {
  private readonly options: RunOptions
  private readonly benches: readonly Bench[]
  private readonly coverage = new Coverage()
  private readonly byGenerator = new Map<string, number>()
  private readonly differences = new Map<string, Difference>()
  private readonly accepted = new Map<string, number>()
  private readonly undetermined: string[] = []
  private readonly suspects: Program[] = []
  private next = 0
  private played = 0
  private secondLooks = 0

  constructor(options: RunOptions, benches: readonly Bench[]) {
    this.options = options
    this.benches = benches
  }

  async run(): Promise<RunResult> {
    const startedAt = performance.now()
    const deadline = startedAt + (this.options.boundMs ?? Infinity)
    await Promise.all(this.benches.map(async (bench) => {
      while (this.next < this.options.programs && performance.now() < deadline) await this.playNext(bench)
    }))
    await this.review()
    const seconds = (performance.now() - startedAt) / 1000
    const reports: string[] = []
    for (const difference of [...this.differences.values()].slice(0, this.options.shrinkMax ?? 5)) {
      reports.push(await this.explain(difference))
    }
    return {
      played: this.played, secondLooks: this.secondLooks, undetermined: this.undetermined,
      differences: [...this.differences.values()], report: reports.join('\n'), summary: this.summary(seconds),
    }
  }

  private async playNext(bench: Bench): Promise<void> {
    const n = this.next++
    const { seed, programSeeds, generator } = this.options
    const program = generate(programSeeds?.[n] ?? programSeed(seed, n), generator)
    const verdict = await judge(bench, program)
    this.played++
    this.byGenerator.set(program.generator, (this.byGenerator.get(program.generator) ?? 0) + 1)
    if (verdict.kind === 'differs') this.suspects.push(program)
    else this.take(program, verdict)
  }

  private async review(): Promise<void> {
    await Promise.all(this.benches.slice(0, reviewsAtOnce).map(async (bench) => {
      for (let program = this.suspects.shift(); program !== undefined; program = this.suspects.shift()) {
        this.take(program, await this.judgeOnceMore(bench, program))
      }
    }))
  }

  private async judgeOnceMore(bench: Bench, program: Program): Promise<Verdict> {
    const verdict = await onCleanBench(this.options, (clean) => judgePatiently(clean, program))
    return verdict ?? judgePatiently(bench, program)
  }

  private take(program: Program, verdict: Verdict): void {
    if (verdict.kind === 'undetermined') {
      const { place } = verdict
      this.undetermined.push(`${program.generator} ${program.seed}: step ${place.step} `
        + `${stepText(program.steps[place.step]!)}\n    ${place.leveret}\n    ${place.rabbit}`)
      return
    }
    this.coverage.add(program, verdict.rabbit)
    if (verdict.kind === 'same') {
      if (verdict.isSecondLook) this.secondLooks++
      return
    }
    if (verdict.kind === 'accepted') {
      this.accepted.set(verdict.id, (this.accepted.get(verdict.id) ?? 0) + 1)
      return
    }
    const signature = signatureOf(verdict.place)
    const known = this.differences.get(signature)
    if (known !== undefined) known.count++
    else {
      const { seed, generator } = program
      this.differences.set(signature, { signature, seed, generator, count: 1, example: program })
    }
  }

  private async explain({ signature, example, seed, generator, count }: Difference): Promise<string> {
    const program = await new Shrinker(this.benches, signature).shrink(example)
    const verdict = await judgeSlowly(this.benches[0]!, program)
    const title = `\n=== ${signature}\n    ${count} programs; the first is ${generator} ${seed}`
    if (verdict.kind !== 'differs') return `${title}\n    gone when played again after shrinking`
    const { leveret, rabbit } = verdict
    const lines = program.steps.flatMap((step, at) => {
      const theirs = stepLines(rabbit.transcript[at], rabbit.prefix)
      const mine = stepLines(leveret.transcript[at], leveret.prefix)
      const isSame = theirs.join('\n') === mine.join('\n')
      return [`${at + 1}. ${stepText(step)}`, ...isSame ? theirs.map((line) => `       ${line}`)
        : [...theirs.map((line) => `   RABBIT  ${line}`), ...mine.map((line) => `   LEVERET ${line}`)]]
    })
    return `${title}\n${lines.join('\n')}\n--- as a test (compat-tests/fuzz/corpus/)\n${testText(program)}`
  }

  private summary(seconds: number): string {
    const areas = [...this.byGenerator].toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name} ${count}`).join(', ')
    const kinds = this.differences.size
    const found = [...this.differences.values()].reduce((sum, { count }) => sum + count, 0)
    return `fuzz:diff seed ${this.options.seed}: ${this.played} programs in ${seconds.toFixed(1)} s `
      + `(${(this.played / seconds).toFixed(1)}/s), ${found} differ (${kinds} kinds), `
      + `${[...this.accepted].map(([id, count]) => `${count} accepted as ${id}, `).join('')}`
      + `${this.undetermined.length} not determined, ${this.secondLooks} same at a second look; `
      + `${this.coverage.summary()}\n  by generator: ${areas}`
  }
}

function testText({ generator, seed, steps }: Program): string {
  const rows = steps.map((step) => `      ${JSON.stringify(step)},`).join('\n')
  return `  {\n    title: '', generator: '${generator}', seed: ${seed},\n    steps: [\n${rows}\n    ],\n  },`
}
