// Rot (reliability §8, row 6): bits flipped, sectors zeroed, files cut short. Whatever is left of the store,
// what it hands out is byte for byte what was put (P5), and what cannot be read is refused with SQLite's
// word for it. The control reads the same files without our checksum, and finds bodies that were never put.
import Database from 'better-sqlite3'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { BatchWriter } from '../../store/batch.ts'
import { unpackPage } from '../../store/page.ts'
import { SqliteWriter } from '../../store/sqlite/writer.ts'
import { countOf, seedOf } from '../programme.ts'
import { Contents, SCOPE, SCOPE_NUMBER, StoreLoad } from './store-load.ts'

const CASES = countOf('corruption')
const BATCHES = 40
const SECTOR_BYTES = 512
const EVERYTHING = { level: 0, afterId: 0, lastId: Infinity, limit: 1e6, bytesMax: Infinity }

let directory = ''
let file = ''
/** Of a process that was killed: most of it is in the WAL. */
let healthy: ReadonlyMap<string, Buffer>
let promised: ReadonlySet<string>

beforeAll(() => {
  directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'leveret-rot-'))
  file = join(directory, 'leveret.db')
  const log = new BatchWriter()
  const load = new StoreLoad(1, log)
  const writer = new SqliteWriter(file)
  writer.openScope(SCOPE_NUMBER, SCOPE)
  for (let batch = 1; batch <= BATCHES; batch++) {
    load.append()
    writer.apply(log.close())
    if (batch === BATCHES / 2) writer.checkpoint()
  }
  healthy = new Map(['', '-wal'].map((name) => [name, readFileSync(file + name)]))
  promised = new Set(load.contents.lines())
  writer.close()
})

afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

/** Returns what was done to it. */
function damage(random: SeededRandom): string {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  const name = random.chance(0.5) ? '' : '-wal'
  for (const [each, bytes] of healthy) writeFileSync(file + each, bytes)
  const bytes = Buffer.from(healthy.get(name)!)
  const at = random.below(bytes.length)
  const sector = at - at % SECTOR_BYTES
  const kind = random.below(4)
  if (kind < 2) bytes[at]! ^= 1 << random.below(8)
  if (kind === 2) bytes.fill(0, sector, sector + SECTOR_BYTES)
  writeFileSync(file + name, kind === 3 ? bytes.subarray(0, sector) : bytes)
  const how = ['a bit flipped', 'a bit flipped', 'a sector zeroed', 'cut off'][kind]
  return `${how} at ${at} of leveret.db${name}`
}

/** What the store hands out, or why it does not. */
function handedOut(): string[] | Error {
  let writer: SqliteWriter | null = null
  try {
    writer = new SqliteWriter(file)
    writer.openScope(SCOPE_NUMBER, SCOPE)
    const recovered = writer.recover(SCOPE)
    const pages = new Map<number, ReturnType<typeof unpackPage>>()
    for (const { queue } of recovered.queues) {
      pages.set(queue, unpackPage(writer.loadPage({ queue, ...EVERYTHING })))
    }
    return Contents.ofStore(recovered, pages).lines()
  } catch (error) {
    return error as Error
  } finally {
    if (writer !== null) (Reflect.get(writer, 'db') as Database.Database).close()
  }
}

/** Without the count of handing outs, a row of its own that no checksum covers. */
function bodyOf(line: string): string {
  return line.replace(/handed out \d+ times, /, '')
}

/** A WAL that lost its end is an older state, so anything that was ever put may be there. */
const everPut = (): ReadonlySet<string> => {
  const log = new BatchWriter()
  const load = new StoreLoad(1, log)
  const lines = new Set<string>()
  for (let batch = 1; batch <= BATCHES; batch++) {
    load.append()
    log.recycle(log.close().buffers)
    for (const line of load.contents.lines()) lines.add(bodyOf(line))
  }
  return lines
}

test('corruption is never handed out, neither at the first start nor at the next', () => {
  const random = new SeededRandom(seedOf('corruption'))
  const known = everPut()
  const seen = { whole: 0, parked: 0, refused: 0 }
  for (let n = 0; n < CASES; n++) {
    const what = damage(random)
    // The end of the first may mend what it refused: a WAL that is whole is copied over a file that is not.
    const outcomes = [handedOut(), handedOut()]
    for (const outcome of outcomes) {
      if (outcome instanceof Error) {
        expect(['SqliteError', 'TransactionFailed'], `${what}: ${outcome.stack}`).toContain(outcome.name)
        continue
      }
      const messages = outcome.filter((line) => line.startsWith('message')).map(bodyOf)
      expect(messages.filter((line) => !known.has(line)), `after ${what}`).toEqual([])
    }
    const last = outcomes[1]!
    if (last instanceof Error) seen.refused++
    else if (last.length === promised.size) seen.whole++
    else seen.parked++
  }
  const kinds = Object.entries(seen).map(([how, count]) => `${count} ${how}`).join(', ')
  process.stdout.write(`corruption: ${CASES} cases: ${kinds}: 0 wrong messages\n`)
  expect(seen.parked).toBeGreaterThan(0)
}, 60_000 + CASES * 1_000)

test('corruption is handed out by SQLite alone', () => {
  const random = new SeededRandom(1)
  const bodies = (): string[] => {
    const db = new Database(file)
    try {
      return db.prepare('SELECT hex(body) || hex(head) FROM messages').pluck().all() as string[]
    } catch {
      return []
    } finally {
      db.close()
    }
  }
  for (const [each, bytes] of healthy) writeFileSync(file + each, bytes)
  const known = new Set(bodies())
  let wrong = 0
  for (let n = 0; n < 60; n++) {
    damage(random)
    if (bodies().some((body) => !known.has(body))) wrong++
  }
  expect(wrong).toBeGreaterThan(5)
})
