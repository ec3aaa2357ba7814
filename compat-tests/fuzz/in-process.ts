// The protocol fuzzer in one process: mutated streams into a FrameReader, whole and split, and into a
// Connection on a broker with a memory store, millions of frames long. Called by protocol.ts and
// fuzz.test.ts. It looks for what must never happen: something thrown, 541, a loop without an end, another
// connection harmed, memory that grows.

import { Connection } from '../../connections/connection.ts'
import { AmqpError } from '../../protocol/errors.ts'
import { FrameReader } from '../../protocol/frame-reader.ts'
import { Dice } from './dice.ts'
import { FuzzTransport, FuzzWorld } from './fuzz-world.ts'
import { takeMemorySample } from './memory.ts'
import type { MemorySample } from './memory.ts'
import { encodeStream, mutate } from './mutations.ts'
import { Probe } from './probe.ts'
import { handshakeBytes, streamOf } from './streams.ts'

const worldCases = 500
const variantsPerStream = 20
const memorySamples = 40
const stallMs = 1_000
const handshake = handshakeBytes('guest', 'secret', '/')

export interface InProcessResult {
  readonly frames: number
  readonly cases: number
  readonly violations: readonly string[]
  readonly outcomes: ReadonlyMap<string, number>
  readonly memory: readonly MemorySample[]
  readonly seconds: number
}

export class InProcessFuzzer {
  private readonly dice: Dice
  private readonly seed: number
  private readonly violations: string[] = []
  private readonly outcomes = new Map<string, number>()
  private world!: FuzzWorld
  private bystander!: Probe
  private frames = 0
  private cases = 0

  constructor(seed: number) {
    this.seed = seed
    this.dice = new Dice(seed)
  }

  /** Stops after so many frames, or at the time, or when ten things went wrong. */
  async run(frames: number, boundMs = Infinity): Promise<InProcessResult> {
    const startedAt = performance.now()
    const memory: MemorySample[] = []
    await this.newWorld()
    for (let stream = 0; this.goesOn(frames, startedAt + boundMs); stream++) {
      if (this.cases % worldCases < variantsPerStream) {
        this.endWorld()
        if (this.frames >= memory.length * frames / memorySamples) memory.push(takeMemorySample(this.frames))
        await this.newWorld()
      }
      const original = streamOf((this.seed + stream) >>> 0, 'f.')
      for (let n = 0; n < variantsPerStream && this.goesOn(frames, startedAt + boundMs); n++) {
        const { frames: mutated, names } = mutate(original, this.dice, 1 + this.dice.below(3))
        const bytes = encodeStream(mutated)
        this.frames += mutated.length
        this.cases++
        this.checkReader(bytes, names)
        this.checkConnection(bytes, names)
      }
    }
    this.endWorld()
    memory.push(takeMemorySample(this.frames))
    const seconds = (performance.now() - startedAt) / 1000
    return {
      frames: this.frames, cases: this.cases, violations: this.violations, outcomes: this.outcomes, memory,
      seconds,
    }
  }

  private goesOn(frames: number, deadline: number): boolean {
    return this.frames < frames && this.violations.length < 10 && performance.now() < deadline
  }

  private async newWorld(): Promise<void> {
    this.world = await FuzzWorld.start()
    this.bystander = new Probe(this.world, handshake)
  }

  private endWorld(): void {
    this.world = undefined as never
    this.bystander = undefined as never
  }

  private violated(what: string, names: readonly string[]): void {
    this.violations.push(`case ${this.cases} (${names.join(', ')}): ${what}`)
  }

  /** Split anywhere, the same frames and the same error come out. */
  private checkReader(bytes: Buffer, names: readonly string[]): void {
    const whole = readFrames(bytes, () => bytes.length)
    const split = readFrames(bytes, () => 1 + this.dice.below(50))
    if (whole !== split) this.violated('another result when split', names)
  }

  private checkConnection(bytes: Buffer, names: readonly string[]): void {
    const { world, dice } = this
    const transport = new FuzzTransport()
    const startedAt = performance.now()
    try {
      const connection = new Connection(transport, world.broker)
      const all = Buffer.concat([handshake, bytes])
      for (let at = 0; at < all.length && !transport.isClosed;) {
        const length = dice.chance(0.3) ? all.length : 1 + dice.below(2_000)
        connection.onData(all.subarray(at, at + length))
        at += length
        world.settle()
      }
      connection.onClosed()
      world.settle()
      if (!this.bystander.isWell()) throw new Error('another connection was harmed')
      if (world.broker.connections.size !== 1) throw new Error('the connection is still known')
    } catch (error) {
      this.violated((error as Error).stack ?? String(error), names)
    }
    for (const error of world.errors.splice(0)) this.violated(error, names)
    const tookMs = performance.now() - startedAt
    if (tookMs > stallMs) this.violated(`took ${tookMs.toFixed(0)} ms`, names)
    const outcome = outcomeOf(Buffer.concat(transport.written))
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    if (outcome === '541') this.violated('541', names)
  }
}

/** The code of the last connection.close, or `open`. */
function outcomeOf(written: Buffer): string {
  for (let at = 0; at + 8 <= written.length;) {
    const end = at + 7 + written.readUInt32BE(at + 3)
    const isClose = written[at] === 1 && written.readUInt16BE(at + 1) === 0
      && written.readUInt32BE(at + 7) === 10 * 0x1_0000 + 50
    if (isClose) return String(written.readUInt16BE(at + 11))
    at = end + 1
  }
  return 'open'
}

/** A digest of the frames and the error that a reader makes of the bytes. */
function readFrames(bytes: Buffer, nextLength: () => number): string {
  let digest = 17
  let count = 0
  const reader = new FrameReader({
    // Now in one piece, now where the reader puts it.
    placeForBody: (_channel, size) => (size % 2 === 0 ? Buffer.alloc(size) : null),
    onFrame(type, channel, buf, start, end) {
      count++
      digest = Math.imul(digest, 31) + type + channel * 7 + (end - start)
      for (let at = start; at < end; at += 13) digest = Math.imul(digest, 31) + buf[at]!
    },
  }, 131_072)
  try {
    for (let at = 0; at < bytes.length;) {
      const length = nextLength()
      reader.push(bytes.subarray(at, at + length))
      at += length
    }
  } catch (error) {
    if (!(error instanceof AmqpError)) throw error
    return `${count} ${digest} ${error.replyText}`
  }
  return `${count} ${digest} ${reader.unreadBytes}`
}
