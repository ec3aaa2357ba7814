// Cuts the power: records what a store process did to its disk, cuts the record at and around every sync and
// anywhere else, builds what a disk could hold, opens it with the real SqliteWriter and compares it with what
// had been reported durable. Called by power-cut.test.ts.
import Database from 'better-sqlite3'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SeededRandom } from '../../base/random.ts'
import { BatchWriter } from '../../store/batch.ts'
import { unpackPage } from '../../store/page.ts'
import { SqliteWriter } from '../../store/sqlite/writer.ts'
import { watchedBy } from './shim.ts'
import { Contents, SCOPE, SCOPE_NUMBER, StoreLoad } from './store-load.ts'
import { Disk, KEPT, isSync, readTrace } from './trace.ts'
import type { Files, Kept, Operation } from './trace.ts'

const storeProcess = fileURLToPath(new URL('./store-process.ts', import.meta.url))
const BATCHES = 80
/** States made of one recording; 4 of them at each place of a cut. */
export const STATES_PER_TRACE = 500
const EVERYTHING = { level: 0, afterId: 0, lastId: Infinity, limit: 1e6, bytesMax: Infinity }

/** What is wrong with a state: durable things missing or dropped things back, or a file that is no store. */
export type Wrong = 'lost' | 'corrupt'

export interface Tally {
  readonly states: Record<Kept, number>
  readonly wrong: Record<Wrong, number>
  /** The first few, to be read by a person. */
  readonly examples: string[]
}

export interface PowerCutOptions {
  readonly states: number
  readonly seed: number
  readonly synchronous: 'FULL' | 'NORMAL' | 'OFF'
}

export async function cutPower({ states, seed, synchronous }: PowerCutOptions): Promise<Tally> {
  const tally: Tally = {
    states: { nothing: 0, prefix: 0, sectors: 0, all: 0 }, wrong: { lost: 0, corrupt: 0 }, examples: [],
  }
  // In memory where there is any: the recovered stores sync too, and that tests nothing.
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'leveret-power-'))
  try {
    for (let done = 0, round = 0; done < states; done += STATES_PER_TRACE, round++) {
      const roundSeed = seed + round
      const trace = await recordStore(directory, roundSeed, synchronous)
      const count = Math.min(STATES_PER_TRACE, states - done)
      new Cutter(directory, roundSeed, trace, tally).cut(count)
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  return tally
}

async function recordStore(directory: string, seed: number, synchronous: string): Promise<Operation[]> {
  const [data, trace] = [join(directory, 'recorded'), join(directory, 'trace')]
  rmSync(data, { recursive: true, force: true })
  rmSync(trace, { force: true })
  mkdirSync(data)
  const file = join(data, 'leveret.db')
  const args = ['--import', 'tsx', storeProcess, file, trace, String(seed), String(BATCHES), synchronous]
  const env = { ...process.env, ...watchedBy({ file, trace }) }
  await promisify(execFile)(process.execPath, args, { env })
  return readTrace(readFileSync(trace))
}

class Cutter {
  private readonly directory: string
  private readonly seed: number
  private readonly trace: readonly Operation[]
  private readonly tally: Tally
  private readonly random: SeededRandom
  /** Contents after batch n, as text. */
  private readonly contents: string[][] = [[]]

  constructor(directory: string, seed: number, trace: readonly Operation[], tally: Tally) {
    this.directory = join(directory, 'cut')
    this.seed = seed
    this.trace = trace
    this.tally = tally
    this.random = new SeededRandom(seed)
    const log = new BatchWriter()
    const load = new StoreLoad(seed, log)
    for (let batch = 1; batch <= BATCHES; batch++) {
      load.append()
      log.recycle(log.close().buffers)
      this.contents.push(load.contents.lines())
    }
  }

  cut(states: number): void {
    const places = this.choosePlaces(Math.ceil(states / KEPT.length))
    const disk = new Disk()
    let [durable, begun, isClean] = [0, 0, false]
    for (const [at, operation] of this.trace.entries()) {
      disk.apply(operation)
      const { mark } = operation
      if (mark?.kind === 'begin') begun = mark.batch
      if (mark?.kind === 'durable') durable = mark.batch
      if (mark !== null) isClean = mark.kind === 'closed'
      for (let n = places.get(at) ?? 0; n > 0; n--) {
        for (const kept of KEPT) this.look(disk.cut(kept, this.random), kept, durable, begun, isClean)
      }
    }
  }

  /** Every sync is a place, just before and just after it, as far as the number goes; the rest is chance. */
  private choosePlaces(count: number): Map<number, number> {
    const atSyncs = this.trace.flatMap((operation, at) => (isSync(operation) ? [at - 1, at] : []))
    const places = new Map<number, number>()
    for (let n = 0; n < count; n++) {
      const [first] = atSyncs.splice(this.random.below(atSyncs.length), 1)
      const isAtSync = n % 3 < 2 && first !== undefined && first >= 0
      const at = isAtSync ? first : this.random.below(this.trace.length)
      places.set(at, (places.get(at) ?? 0) + 1)
    }
    return places
  }

  private look(files: Files, kept: Kept, durable: number, begun: number, isClean: boolean): void {
    this.tally.states[kept]++
    const wrong = this.judge(files, durable, begun, isClean)
    if (wrong === null) return
    const [kind, what] = wrong
    this.tally.wrong[kind]++
    const where = `seed ${this.seed}, durable up to batch ${durable}, begun ${begun}, kept ${kept}`
    if (this.tally.examples.length < 5) this.tally.examples.push(`${kind}: ${where}: ${what}`)
  }

  /** Exactly what was durable, or that and the whole of the batch that was under way. */
  private judge(files: Files, durable: number, begun: number, isClean: boolean): [Wrong, string] | null {
    rmSync(this.directory, { recursive: true, force: true })
    mkdirSync(this.directory)
    const file = join(this.directory, 'leveret.db')
    for (const [name, bytes] of files) writeFileSync(file + name, bytes)
    try {
      const found = readStore(file)
      if (isClean && !found.wasClean) return ['lost', 'the mark of the clean stop, which had been reported']
      if (isEqual(found.lines, this.contents[durable]!)) return null
      if (begun > durable && isEqual(found.lines, this.contents[begun]!)) return null
      return ['lost', difference(this.contents[durable]!, found.lines)]
    } catch (error) {
      return ['corrupt', (error as Error).message]
    }
  }
}

interface Found {
  readonly lines: readonly string[]
  readonly wasClean: boolean
}

/** Errors: whatever says that the file is no store of ours. */
function readStore(file: string): Found {
  const writer = new SqliteWriter(file)
  writer.openScope(SCOPE_NUMBER, SCOPE)
  const recovered = writer.recover(SCOPE)
  const pages = new Map(
    recovered.queues.map(({ queue }) => [queue, unpackPage(writer.loadPage({ queue, ...EVERYTHING }))]))
  const contents = Contents.ofStore(recovered, pages)
  const damaged = writer.damagedCount
  const { wasClean } = writer
  writer.close()
  if (damaged > 0) throw new Error(`${damaged} messages are damaged`)
  for (const { queue, count } of recovered.queues) {
    const found = [...contents.messages.values()].filter((message) => message.queue === queue).length
    if (found !== count) throw new Error(`queue ${queue} says ${count} messages and has ${found}`)
  }
  const highest = Math.max(0, ...contents.messages.keys())
  const { lastId } = recovered
  if (lastId < highest) throw new Error(`the last id is ${lastId}, but message ${highest} exists`)
  checkIntegrity(file)
  return { lines: contents.lines(), wasClean }
}

function checkIntegrity(file: string): void {
  const db = new Database(file, { readonly: true })
  const found = db.pragma('integrity_check', { simple: true })
  const orphans = db.prepare('SELECT count(*) FROM bodies WHERE id NOT IN (SELECT body_id FROM messages '
    + 'WHERE body_id IS NOT NULL)').pluck().get()
  db.close()
  if (found !== 'ok') throw new Error(`integrity_check: ${String(found)}`)
  if (orphans !== 0) throw new Error(`${String(orphans)} shared bodies that no message refers to`)
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, at) => line === b[at])
}

function difference(expected: readonly string[], found: readonly string[]): string {
  const missing = expected.filter((line) => !found.includes(line))
  const surplus = found.filter((line) => !expected.includes(line))
  return `missing ${JSON.stringify(missing.slice(0, 2))}, surplus ${JSON.stringify(surplus.slice(0, 2))}`
}
