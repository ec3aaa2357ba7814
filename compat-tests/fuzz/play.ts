// Performs a program on one broker, one step at a time, and writes down what each channel heard during it.
// Called by verdict.ts. A step is over when its channel has answered a round trip, every other connection
// too, all confirms are in and, on a broker whose queues work beside its channels, what is expected has come
// or a pause has passed. Invariant: everything heard is in the transcript, under the step that it came in.

import type { Args } from '../harness/wire.ts'
import { encodeFrame, encodeHeader, encodeMethod, encodeProperties, frameType } from '../harness/wire.ts'
import { entryKind } from './peer.ts'
import type { Entry, Peer } from './peer.ts'
import { resolveNames } from './program.ts'
import type { DrainStep, ManageStep, MethodStep, Program, Step } from './program.ts'
import type { Seat } from './stage.ts'

/** What each channel (`0.1`) heard in a step. */
export type Hearing = ReadonlyMap<string, readonly Entry[]>
export type Transcript = readonly Hearing[]

/** How long to wait for what a broker does behind a channel's back. */
export interface Pace {
  readonly rounds: number
  /** Round trips on every channel, or on one of each connection where a broker answers in order. */
  readonly fences: 'none' | 'connections' | 'channels'
  readonly pauseMs: number
  readonly expectedBoundMs: number
}

const answerBoundMs = 20_000
const confirmBoundMs = 5_000
const drainMax = 60

/** What may make a queue do something that no answer tells the end of. */
const working = new Set([
  'basic.publish', 'basic.ack', 'basic.nack', 'basic.reject', 'basic.recover', 'basic.recover-async',
  'basic.cancel', 'basic.consume', 'queue.delete', 'exchange.delete', 'channel.close', 'connection.close',
  'tx.commit', 'basic.qos', 'basic.get',
])

/** Performed with `expected`, the other broker's transcript, a step waits until as much was heard. */
export async function play(
  seat: Seat, program: Program, prefix: string, pace: Pace, expected: Transcript | null,
): Promise<Transcript> {
  const transcript: Hearing[] = []
  for (const [at, step] of program.steps.entries()) {
    await new Performance(seat, prefix, pace).perform(step, expected?.[at] ?? null)
    transcript.push(takeHeard(seat))
  }
  await seat.tidy(program, prefix)
  return transcript
}

function takeHeard(seat: Seat): Hearing {
  const hearing = new Map<string, Entry[]>()
  for (const [number, peer] of seat.peers.entries()) {
    for (const entry of peer?.heard.splice(0) ?? []) {
      const on = `${number}.${entry.channel}`
      const list = hearing.get(on)
      if (list === undefined) hearing.set(on, [entry])
      else list.push(entry)
    }
  }
  const answered = seat.answered.splice(0)
  if (answered.length > 0) hearing.set('http', answered)
  return hearing
}

function isAt(on: string): [connection: number, channel: number] {
  const [connection, channel] = on.split('.').map(Number) as [number, number]
  return [connection, channel]
}

function hasCommitted(peer: Peer): boolean {
  return peer.heard.some(({ kind, payload }) =>
    kind === frameType.method && payload.readUInt32BE(0) === 90 * 0x1_0000 + 21)
}

class Performance {
  private readonly seat: Seat
  private readonly prefix: string
  private readonly pace: Pace

  constructor(seat: Seat, prefix: string, pace: Pace) {
    this.seat = seat
    this.prefix = prefix
    this.pace = pace
  }

  async perform(step: Step, expected: Hearing | null): Promise<void> {
    if ('elapseMs' in step) {
      await new Promise((resolve) => setTimeout(resolve, step.elapseMs))
      return this.settle(expected)
    }
    if ('manage' in step) {
      await this.seat.manage(resolveNames(step, this.prefix, '') as ManageStep)
      return this.settle(expected)
    }
    const [connection, channel] = isAt(step.on)
    const peer = await this.seat.peer(connection)
    await peer.openChannel(channel, answerBoundMs)
    if ('drain' in step) return this.drain(step, peer, channel)
    const side = peer.side(channel)
    this.say(step, peer, channel)
    await this.answered(step, peer, channel)
    // A channel that an error ends gives back what it held, whatever the step was.
    if (working.has(step.do) || peer.channels.get(channel) !== side) await this.settle(expected)
  }

  private resolve(args: Args | undefined): Args {
    const reply = this.seat.living().map(({ replyName }) => replyName).findLast((name) => name !== null)
    return resolveNames(args ?? {}, this.prefix, reply ?? 'amq.rabbitmq.reply-to.none') as Args
  }

  private say(step: MethodStep, peer: Peer, channel: number): void {
    const args = this.resolve(step.args)
    const side = peer.side(channel)
    if (step.pick !== undefined) {
      const { unsettled } = side
      const tag = unsettled.length === 0 ? step.pick : unsettled[step.pick % unsettled.length]!
      args['delivery-tag'] = tag
      side.unsettled = unsettled.filter((other) =>
        args['multiple'] === true ? other > tag && tag !== 0 : other !== tag)
    }
    if (step.do === 'basic.publish') return this.publish(step, args, peer, channel)
    if (step.do === 'confirm.select' && args['nowait'] === true) side.nextPublish ||= 1
    if (step.do === 'basic.recover' || step.do === 'basic.recover-async') side.unsettled = []
    if (step.do === 'basic.get') side.asked.push(args['no-ack'] === true)
    if (step.do === 'channel.flow') side.flows++
    if (step.do === 'basic.consume') this.noteConsumer(args, peer, channel)
    if (step.do === 'queue.declare' && args['exclusive'] === true) {
      this.seat.exclusives.push([isAt(step.on)[0], args['queue'] as string])
    }
    peer.send(step.do.startsWith('connection.') ? 0 : channel, step.do, args)
  }

  private noteConsumer(args: Args, peer: Peer, channel: number): void {
    const side = peer.side(channel)
    if (args['nowait'] !== true) side.asked.push(args['no-ack'] === true)
    else if (args['no-ack'] === true) side.noAckTags.add(args['consumer-tag'] as string)
  }

  private publish(step: MethodStep, args: Args, peer: Peer, channel: number): void {
    const side = peer.side(channel)
    for (let n = 0; n < (step.times ?? 1); n++) {
      const body = Buffer.from(`${step.body ?? ''}${step.times === undefined ? '' : `.${n}`}`)
      const properties = encodeProperties(this.resolve(step.properties))
      const frames = [
        encodeFrame(frameType.method, channel, encodeMethod('basic.publish', args)),
        encodeFrame(frameType.header, channel, encodeHeader(body.length, properties)),
      ]
      if (body.length > 0) frames.push(encodeFrame(frameType.body, channel, body))
      peer.write(Buffer.concat(frames))
      if (side.nextPublish > 0) side.unconfirmed.push(side.nextPublish++)
    }
  }

  private async answered(step: MethodStep, peer: Peer, channel: number): Promise<void> {
    const side = peer.channels.get(channel)
    if (step.do === 'channel.close' || step.do === 'connection.close') {
      const isOver = (): boolean => peer.isGone
        || (step.do === 'channel.close' && peer.channels.get(channel) !== side)
      return this.wait(isOver, peer, answerBoundMs)
    }
    const isLost = (): boolean => peer.isGone || peer.channels.get(channel) !== side
    // RabbitMQ closes the connection over anything that comes before a commit is answered.
    if (step.do === 'tx.commit') await this.wait(() => isLost() || hasCommitted(peer), peer, answerBoundMs)
    peer.fence(channel)
    await this.wait(() => isLost() || side?.fences === 0, peer, answerBoundMs)
    if (step.do === 'basic.publish' || step.do === 'tx.commit') {
      await peer.until(() => isLost() || side?.unconfirmed.length === 0, confirmBoundMs)
    }
  }

  /** A broker that does not answer at all is heard as silent. */
  private async wait(condition: () => boolean, peer: Peer, boundMs: number): Promise<void> {
    if (await peer.until(condition, boundMs)) return
    peer.heard.push({ channel: 0, kind: entryKind.silent, payload: Buffer.alloc(0) })
    peer.destroy()
  }

  private async settle(expected: Hearing | null): Promise<void> {
    if (expected !== null) await this.awaitExpected(expected)
    for (let n = 0; n < this.pace.rounds; n++) {
      if (this.pace.fences !== 'none') await this.fenceAll(this.pace.fences === 'connections')
      if (this.pace.pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, this.pace.pauseMs))
    }
  }

  private async fenceAll(isOnePerConnection: boolean): Promise<void> {
    await Promise.all(this.seat.living().map(async (peer) => {
      const channels = peer.openChannels()
      for (const channel of isOnePerConnection ? channels.slice(0, 1) : channels) peer.fence(channel)
      await this.wait(() => peer.isFenced, peer, answerBoundMs)
    }))
  }

  private async awaitExpected(expected: Hearing): Promise<void> {
    const counts = new Map<number, number>()
    for (const [on, entries] of expected) {
      if (on === 'http') continue
      const [connection] = isAt(on)
      counts.set(connection, (counts.get(connection) ?? 0) + entries.length)
    }
    await Promise.all([...counts].map(([connection, count]) => {
      const peer = this.seat.peers[connection]
      if (peer === undefined || peer === null) return Promise.resolve(true)
      return peer.until(() => peer.isGone || peer.heard.length >= count, this.pace.expectedBoundMs)
    }))
  }

  private async drain(step: DrainStep, peer: Peer, channel: number): Promise<void> {
    const side = peer.side(channel)
    const queue = this.resolve({ queue: step.drain })['queue'] as string
    for (let n = 0; n < drainMax; n++) {
      const before = peer.heard.length
      side.asked.push(true)
      peer.send(channel, 'basic.get', { queue, 'no-ack': true })
      peer.fence(channel)
      const isLost = (): boolean => peer.isGone || peer.channels.get(channel) !== side
      await this.wait(() => isLost() || side.fences === 0, peer, answerBoundMs)
      if (isLost() || peer.heard.length - before < 2) return
    }
  }
}
