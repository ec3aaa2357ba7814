// A broker that dies again and again over one data directory, under load from clients that remember what
// they were told: start, let clients work, end it somehow, start again. Used by the tests of kills and of I/O
// errors. Invariant: `dispose` leaves no process and no file behind.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Load } from './load.ts'
import { ServerProcess } from './server-process.ts'
import type { Exit } from './server-process.ts'
import { drawQueues } from '../sim/topology.ts'

export class Rounds {
  readonly directory = mkdtempSync(join(tmpdir(), 'leveret-rounds-'))
  readonly load: Load
  readonly startsMs: number[] = []
  private readonly seed: number
  private readonly running = new Set<ServerProcess>()

  constructor(seed: number) {
    this.seed = seed
    this.load = new Load(seed, {
      queues: drawQueues(() => true), burstMax: 20, thinkMaxUs: 2_000, prefetchMax: 30, clientFault: 0.05,
      pollers: 1, architects: 2,
    })
    this.load.begin()
  }

  /** Errors: Error with what it said when it ends instead of starting. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const server = new ServerProcess(join(this.directory, 'data'), env)
    this.running.add(server)
    void server.exit.then(() => this.running.delete(server))
    await server.started()
    this.startsMs.push(server.startMs)
    this.load.port = server.amqpPort
    return server
  }

  /** Over `after` more confirms, or when `isOver` says so. */
  async confirms(after: number, isOver: () => boolean = () => false): Promise<void> {
    const { checker } = this.load
    const goal = checker.counts.confirmed + after
    await this.load.until(() => (
      checker.counts.confirmed >= goal || checker.violations.length > 0 || isOver()))
  }

  /** It has ended, or is about to: whatever it had said is heard, and no promise is broken. */
  async ended(server: ServerProcess, round: string): Promise<Exit> {
    const exit = await server.exit
    await this.load.ended()
    this.expectSound(round)
    return exit
  }

  /** Everything is consumed and every queue is seen to be empty, so that a loss is found near its cause. */
  async drain(round: string): Promise<void> {
    await this.load.drain()
    this.expectSound(round)
  }

  /** Errors: AssertionError with every promise that was broken. */
  expectSound(round: string): void {
    const { violations } = this.load.checker
    const broken = violations.map(({ rule, what }) => `${rule}: ${what}`).join('\n')
    assert.ok(violations.length === 0, `${round}, seed ${this.seed}:\n${broken}`)
  }

  summary(): string {
    const { confirmed, settled, recovered, redelivered, letters, refused } = this.load.checker.counts
    const medianMs = this.startsMs.toSorted((a, b) => a - b)[Math.floor(this.startsMs.length / 2)]
    return `${confirmed} confirmed, ${settled} settled, ${letters} dead letters, ${refused} refused, `
      + `${recovered} recovered without a confirm, ${redelivered} duplicates flagged, 0 lost, `
      + `restart ${medianMs?.toFixed(0)} ms in the median; seed ${this.seed}`
  }

  /** `release`: what has to be let go between the processes and their files. */
  async dispose(release: () => void = () => {}): Promise<void> {
    this.load.stop()
    for (const server of this.running) await server.kill('SIGKILL')
    release()
    rmSync(this.directory, { recursive: true, force: true })
  }
}
