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

const answerBoundMs = 2_500
const lingerMs = 10
const longLingerMs = 1_200
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
  ['undecodable-unimplemented', /^503 /, /^501 .*cannot decode/],
  ['nesting-limit', /^501 .*cannot decode <<0,0,1,113,0/, /^open$/],
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
    await bystander.openChannel(1, answerBoundMs)
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
    const { bytes, frames, names } = this.build(number, 'a')
    this.frames += frames
    let [leveret, rabbit] = await this.play(bytes, lingerMs)
    const outcome = leveret.end.split(' ')[0]!
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    // What a channel of RabbitMQ does may come after the marker's answer: a second look takes its time.
    if (!isSame(leveret, rabbit)) {
      [leveret, rabbit] = await this.play(this.build(number, 'b').bytes, longLingerMs)
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
  private build(number: number, attempt: string): { bytes: Buffer, frames: number, names: string[] } {
    const dice = new Dice((Math.imul(this.seed, 1_000_003) + number) >>> 0)
    const prefix = `p${process.pid}${attempt}${this.seed}.${number}.`
    const { frames, names } = mutate(cleanStream(dice, prefix), dice, 1)
    return { bytes: encodeStream(frames), frames: frames.length, names }
  }

  private async play(bytes: Buffer, linger: number): Promise<[leveret: End, rabbit: End]> {
    return Promise.all([endOf(this.leveret, bytes, linger), endOf(this.rabbit, bytes, linger)])
  }

  private async checkBystander(bystander: Peer): Promise<void> {
    bystander.fence(1)
    const isServed = await bystander.until(() => bystander.isFenced && !bystander.isGone, answerBoundMs)
    if (!isServed) this.violations.push('another connection was not served')
  }
}

interface End {
  /** Codes of the channels that the broker closed. */
  readonly channels: readonly string[]
  /** `open`, `silent`, `dropped`, `closed`, or the connection's close as `501 (class.method) text`. */
  readonly end: string
}

/** Texts are compared by tests that name them; and once a channel was closed, the rest is a race. */
function isSame(leveret: End, rabbit: End): boolean {
  if (codeOf(leveret) === codeOf(rabbit) && leveret.end !== 'open') return true
  if (leveret.channels.length > 0 || rabbit.channels.length > 0) {
    return leveret.channels[0]?.split(' ')[1] === rabbit.channels[0]?.split(' ')[1]
  }
  // RabbitMQ's reader is at the next frame before the channel that got this one has refused it.
  if (leveret.end.startsWith('504') && rabbit.end.startsWith('505')) return true
  // And a channel.close that is repeated finds its channel still closing.
  if (leveret.end.startsWith('504 (20.40)') && rabbit.end === 'open') return true
  return codeOf(leveret) === codeOf(rabbit)
}

const codeOf = ({ end }: End): string => end.split(' ').slice(0, 2).join(' ')
const endText = ({ channels, end }: End): string => [...channels, end].join(', ')

function endOf(address: Address, bytes: Buffer, linger: number): Promise<End> {
  const socket = connect({ host: address.host, port: address.port, noDelay: true })
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish('silent'), answerBoundMs)
    const channels: string[] = []
    const finish = (end: string): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ channels, end })
    }
    listen(socket, channels, finish, () => setTimeout(() => finish('open'), linger))
    socket.on('connect', () => {
      socket.write(handshakeBytes(address.user, address.password, address.vhost))
      socket.write(bytes)
      socket.write(encodeFrame(1, markerChannel, encodeMethod('channel.open')))
    })
  })
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
      else if (idOf(payload) === channelClose) channels.push(`${channel}: ${closeText(payload)}`)
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
