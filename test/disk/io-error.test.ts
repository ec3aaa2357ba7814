// Failing disks (reliability §8, row 4): writes and syncs of the store fail with EIO or ENOSPC, once or from
// then on, at the start or in mid-load. Nothing that failed is confirmed. An I/O error ends the process with
// 70 and the next start recovers; a full disk stops confirms until there is room, and nothing else. The
// checker hears it all. The control is a disk that says it was done and
// did nothing: that must be seen.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Rounds } from '../crash/rounds.ts'
import type { ServerProcess } from '../crash/server-process.ts'
import { countOf, seedOf } from '../programme.ts'
import { beginFault, endFault, watchedBy } from './shim.ts'
import type { Fault } from './shim.ts'

const POINTS = countOf('io-errors')
const POINTS_BETWEEN_DRAINS = 10
/** EX_CANTCREAT, the data directory, as cli/exit-codes.ts has it. */
const DATA_DIRECTORY = 73
/** More confirms than this without an end: the fault was never reached. */
const CONFIRMS_MAX = 300
/** Without a single confirm. */
const STUCK_MS = 30_000
/** How long the disk is full. */
const FULL_MS = 300

function afterMs(ms: number): () => boolean {
  const startedMs = performance.now()
  return () => performance.now() - startedMs > ms
}

class Points {
  readonly rounds: Rounds
  readonly seen = { exits: 0, refusedStarts: 0, resumed: 0, untouched: 0 }
  private readonly fault: string
  private readonly env: NodeJS.ProcessEnv

  constructor(seed: number) {
    this.rounds = new Rounds(seed)
    this.fault = join(this.rounds.directory, 'fault')
    this.env = watchedBy({ file: join(this.rounds.directory, 'data', 'leveret.db'), fault: this.fault })
  }

  start(): Promise<ServerProcess> {
    return this.rounds.start(this.env)
  }

  begin(fault: Fault): void {
    beginFault(this.fault, fault)
  }

  end(): void {
    endFault(this.fault)
  }

  private draw(): Fault {
    const { random } = this.rounds.load.world
    return {
      kind: random.chance(0.5) ? 'sync' : 'write', error: random.chance(0.5) ? 'EIO' : 'ENOSPC',
      nth: 1 + random.below(random.chance(0.5) ? 4 : 30), isSticky: random.chance(0.5),
    }
  }

  async run(point: number): Promise<void> {
    const fault = this.draw()
    const { rounds } = this
    const what = `point ${point}: ${JSON.stringify(fault)}`
    const isAtStart = rounds.load.world.random.chance(0.2)
    if (isAtStart) this.begin(fault)
    let server
    try {
      server = await this.start()
    } catch (error) {
      if (!isAtStart) throw error
      this.seen.refusedStarts++
      this.end()
      server = await this.start()
    }
    await rounds.confirms(isAtStart ? 0 : 20 + rounds.load.world.random.below(100))
    if (!isAtStart) this.begin(fault)
    // A sync that fails leaves open what was written, whatever its reason.
    const isFull = fault.error === 'ENOSPC' && fault.kind === 'write'
    if (isFull) {
      await rounds.confirms(CONFIRMS_MAX, afterMs(FULL_MS))
      this.end()
    }
    await this.confirmsOr(() => server.hasEnded, what)
    this.end()
    assert.ok(!isFull || !server.hasEnded, `${what}: a full disk ended the process: ${server.stderr}`)
    if (server.hasEnded) {
      const exit = await rounds.ended(server, what)
      assert.deepEqual(exit, { code: DATA_DIRECTORY, signal: null }, `${what}: ${server.stderr}`)
      this.seen.exits++
      return
    }
    await server.kill('SIGKILL')
    await rounds.ended(server, what)
    if (isFull) this.seen.resumed++
    else this.seen.untouched++
  }

  private async confirmsOr(isOver: () => boolean, what: string): Promise<void> {
    const isStuck = this.withoutConfirm(STUCK_MS)
    await this.rounds.confirms(CONFIRMS_MAX, () => isOver() || isStuck())
    this.rounds.expectSound(what)
    assert.ok(isOver() || !isStuck(), `${what}: nothing is confirmed and the process goes on`)
  }

  private withoutConfirm(ms: number): () => boolean {
    const { counts } = this.rounds.load.checker
    let { confirmed } = counts
    let isOver = afterMs(ms)
    return () => {
      if (counts.confirmed > confirmed) isOver = afterMs(ms)
      confirmed = counts.confirmed
      return isOver()
    }
  }
}

test('an I/O error is never confirmed, ends the process, and the next start has it all', async () => {
  const points = new Points(seedOf('io-errors'))
  const { rounds, seen } = points
  try {
    for (let point = 1; point <= POINTS; point++) {
      await points.run(point)
      if (point % POINTS_BETWEEN_DRAINS > 0) continue
      const server = await rounds.start()
      await rounds.drain(`after point ${point}`)
      await server.kill('SIGKILL')
      await rounds.ended(server, `after point ${point}`)
      rounds.load.begin()
    }
    const kinds = Object.entries(seen).map(([what, count]) => `${count} ${what}`).join(', ')
    process.stdout.write(`io errors: ${POINTS} points (${kinds}): ${rounds.summary()}\n`)
    expect(seen.exits).toBeGreaterThan(POINTS / 4)
  } finally {
    await rounds.dispose()
  }
}, 60_000 + POINTS * 30_000)

test('an I/O error that the disk keeps to itself is seen by the checker', async () => {
  const points = new Points(1)
  const { rounds } = points
  try {
    const server = await points.start()
    await rounds.confirms(100)
    // What has been settled by the end is missed by nobody: clients keep what they have.
    rounds.load.hesitate()
    points.begin({ kind: 'write', error: 'none', nth: 1, isSticky: true })
    await rounds.confirms(CONFIRMS_MAX)
    await server.kill('SIGKILL')
    points.end()
    await rounds.load.ended()
    // What is left may be no database any more, or one that lacks what was confirmed.
    const isRefused = await rounds.start().then(() => false, () => true)
    rounds.load.goOn()
    if (!isRefused) await rounds.load.drain()
    expect(isRefused || rounds.load.checker.violations.length > 0).toBe(true)
  } finally {
    await rounds.dispose()
  }
}, 60_000)
