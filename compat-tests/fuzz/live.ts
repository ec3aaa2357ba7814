// The protocol fuzzer at living brokers: the same mutated stream to Leveret and to RabbitMQ, and what became
// of the connection on each. Called by protocol.ts and fuzz.test.ts. Compared are the codes of channels that
// were closed and how the connection ended: not at all, by which reply code and because of which method, or
// without a word. Meanwhile another connection must be served.

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { DifferenceId } from '../differences.ts'
import { encodeFrame, encodeMethod } from '../harness/wire.ts'
import { Dice } from './dice.ts'
import { encodeStream, mutate } from './mutations.ts'
import { Peer } from './peer.ts'
import type { Address } from './peer.ts'
import { addressOf } from './stage.ts'
import { cleanStream, handshakeBytes } from './streams.ts'

/** How a stream is sent, and what is waited for. */
interface Look {
  /** Between two frames; with 0 all are sent at once. */
  readonly frameMs: number
  /** For the marker's answer, or the end. */
  readonly answerBoundMs: number
  /** After the marker's answer. */
  readonly lingerMs: number
}

const first: Look = { frameMs: 0, answerBoundMs: 2_500, lingerMs: 10 }
// RabbitMQ's reader is some frames ahead of the channel that refuses one, and what a channel does may come
// after the marker's answer, on a busy machine by seconds.
const second: Look = { frameMs: 10, answerBoundMs: 12_000, lingerMs: 3_000 }
/** After a channel.close. */
const closeMs = 400
const bystanderBoundMs = 5_000
/** Opened after the stream: whoever answers it has read everything before. */
const markerChannel = 999
const idOf = (payload: Buffer): number => payload.readUInt32BE(0)
const connectionClose = 10 * 0x1_0000 + 50
const channelClose = 20 * 0x1_0000 + 40
const channelOpenOk = 20 * 0x1_0000 + 11

/** Outcomes that differences.ts accepts: what Leveret says, where RabbitMQ says what. */
const accepted: readonly (readonly [id: DifferenceId, leveret: RegExp, rabbit: RegExp])[] = [
  ['unknown-method', /^501 /, /^dropped$/],
  ['unknown-class', /^50[345] /, /^dropped$/],
  ['undecodable-properties', /^50[12] /, /^541 /],
  ['undecodable-unimplemented', /^50[34] /, /^501 .*cannot decode/],
  ['nesting-limit', /^501 .*cannot decode <<0,0,1,113,0/, /^(open$|504 )/],
  ['unopened-publish', /^504 \(60\.40\)/, /^505 /],
]

export interface LiveResult {
  readonly streams: number
  readonly frames: number
  readonly violations: readonly string[]
  readonly accepted: ReadonlyMap<string, number>
  readonly outcomes: ReadonlyMap<string, number>
}

export class LiveFuzzer {
  private readonly seed: number
  private readonly leveret: Address
  private readonly rabbit: Address
  private readonly violations: string[] = []
  private readonly accepted = new Map<string, number>()
  private readonly outcomes = new Map<string, number>()
  private streams = 0
  private frames = 0

  constructor(seed: number, leveretUrl: string, rabbitUrl: string) {
    this.seed = seed
    this.leveret = addressOf(leveretUrl)
    this.rabbit = addressOf(rabbitUrl)
  }

  async run(streams: number, boundMs = Infinity, atOnce = 8): Promise<LiveResult> {
    const deadline = performance.now() + boundMs
    const bystander = await Peer.open(this.leveret)
    await bystander.openChannel(1, bystanderBoundMs)
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (this.streams < streams && performance.now() < deadline && this.violations.length < 20) {
        await this.playNext()
        await this.checkBystander(bystander)
      }
    }))
    bystander.destroy()
    const { frames, violations, accepted, outcomes } = this
    return { streams: this.streams, frames, violations, accepted, outcomes }
  }

  private async playNext(): Promise<void> {
    const number = this.streams++
    const { frames, names } = this.build(number, 'a')
    this.frames += frames.length
    let [leveret, rabbit] = await this.play(frames, first)
    const outcome = leveret.end.split(' ')[0]!
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    if (!isSame(leveret, rabbit)) {
      [leveret, rabbit] = await this.play(this.build(number, 'b').frames, second)
    }
    if (isSame(leveret, rabbit)) return
    const row = accepted.find(([, mine, theirs]) => mine.test(leveret.end) && theirs.test(rabbit.end))
    if (row !== undefined) this.accepted.set(row[0], (this.accepted.get(row[0]) ?? 0) + 1)
    else {
      this.violations.push(`stream ${number} of seed ${this.seed} (${names.join(', ')}):\n`
        + `    Leveret  ${endText(leveret)}\n    RabbitMQ ${endText(rabbit)}`)
    }
  }

  /** The same stream for the same number, under other names for each attempt. */
  private build(number: number, attempt: string): { frames: Buffer[], names: string[] } {
    const dice = new Dice((Math.imul(this.seed, 1_000_003) + number) >>> 0)
    const prefix = `p${process.pid}${attempt}${this.seed}.${number}.`
    const { frames, names } = mutate(cleanStream(dice, prefix), dice, 1)
    return { frames: frames.map((frame) => encodeStream([frame])), names }
  }

  private async play(frames: readonly Buffer[], look: Look): Promise<[leveret: End, rabbit: End]> {
    return Promise.all([endOf(this.leveret, frames, look), endOf(this.rabbit, frames, look)])
  }

  private async checkBystander(bystander: Peer): Promise<void> {
    bystander.fence(1)
    const isServed = await bystander.until(() => bystander.isFenced && !bystander.isGone, bystanderBoundMs)
    if (!isServed) this.violations.push('another connection was not served')
  }
}

interface End {
  /** Codes of the channels that the broker closed. */
  readonly channels: readonly string[]
  /** `open`, `silent`, `dropped`, `closed`, or the connection's close as `501 (class.method) text`. */
  readonly end: string
}

/** Texts are compared by tests that name them. */
function isSame(leveret: End, rabbit: End): boolean {
  // RabbitMQ's reader was at the next frame before the channel that got this one had refused it; of a publish
  // it wants the content first (`unopened-publish`).
  if (/^504 \((?!60\.40)/.test(leveret.end) && rabbit.end.startsWith('505')) return true
  // And a channel.close that is repeated found its channel still closing.
  if (leveret.end.startsWith('504 (20.40)') && rabbit.end === 'open') return true
  if (codeOf(leveret.end) !== codeOf(rabbit.end)) return false
  const [mine, theirs] = [leveret, rabbit].map(({ channels }) => channels.map(codeOf)) as [string[], string[]]
  if (leveret.end === 'open' || leveret.end === 'closed') return mine.join() === theirs.join()
  // The connection's close and a channel's race each other.
  return mine.every((code, at) => at >= theirs.length || code === theirs[at])
}

/** Reply code and method. */
const codeOf = (end: string): string => end.split(' ').slice(0, 2).join(' ')
const endText = ({ channels, end }: End): string => [...channels, end].join(', ')

function endOf(address: Address, frames: readonly Buffer[], look: Look): Promise<End> {
  const socket = connect({ host: address.host, port: address.port, noDelay: true })
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish('silent'), look.answerBoundMs + frames.length * look.frameMs)
    const channels: string[] = []
    const finish = (end: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ channels, end })
    }
    listen(socket, channels, finish, () => setTimeout(() => finish('open'), look.lingerMs))
    socket.on('connect', () => {
      socket.write(handshakeBytes(address.user, address.password, address.vhost))
      void say(socket, [...frames, encodeFrame(1, markerChannel, encodeMethod('channel.open'))], look)
    })
  })
}

async function say(socket: Socket, frames: readonly Buffer[], { frameMs }: Look): Promise<void> {
  if (frameMs === 0) return void socket.write(Buffer.concat(frames))
  for (const frame of frames) {
    if (!socket.destroyed) socket.write(frame)
    // Until it is over RabbitMQ takes what comes for its channel, and ignores it.
    const isClose = frame.length > 11 && frame.readUInt32BE(7) === channelClose
    await new Promise((resolve) => setTimeout(resolve, isClose ? closeMs : frameMs))
  }
}

function listen(
  socket: Socket, channels: string[], finish: (outcome: string) => void, marked: () => void,
): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(3)) {
      const end = 7 + rest.readUInt32BE(3)
      const [type, channel, payload] = [rest[0], rest.readUInt16BE(1), rest.subarray(7, end)]
      rest = rest.subarray(end + 1)
      if (type !== 1) continue
      if (channel === 0 && idOf(payload) === connectionClose) finish(closeText(payload))
      else if (channel === 0 && idOf(payload) === connectionClose + 1) finish('closed')
      else if (idOf(payload) === channelClose) channels.push(closeText(payload))
      else if (channel === markerChannel && idOf(payload) === channelOpenOk) marked()
    }
  })
  socket.on('error', () => finish('dropped'))
  socket.on('close', () => finish('dropped'))
}

function closeText(payload: Buffer): string {
  const end = 7 + payload[6]!
  return `${payload.readUInt16BE(4)} (${payload.readUInt16BE(end)}.${payload.readUInt16BE(end + 2)}) `
    + payload.toString('utf8', 7, end)
}
