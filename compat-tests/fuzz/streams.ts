// Valid streams of frames, as one client may send them: the programs of the differential fuzzer, all on one
// connection and without waiting for answers. What the protocol fuzzer mutates. Called by in-process.ts and
// live.ts.

import { plainResponse, protocolHeader } from '../harness/raw-client.ts'
import { encodeFrame, encodeHeader, encodeMethod, encodeProperties, frameType } from '../harness/wire.ts'
import type { Args } from '../harness/wire.ts'
import type { Dice } from './dice.ts'
import { Draft, exchangeName, queueName } from './generators/draft.ts'
import { generate } from './generators/index.ts'
import { properties } from './generators/vocabulary.ts'
import { resolveNames } from './program.ts'
import type { MethodStep } from './program.ts'
import type { StreamFrame } from './mutations.ts'

/** Header to connection.open; everything after it may be sent at once. */
export function handshakeBytes(user: string, password: string, vhost: string): Buffer {
  const capabilities = [['consumer_cancel_notify', 't', true], ['basic.nack', 't', true]]
  return Buffer.concat([
    protocolHeader,
    methodFrame('connection.start-ok', {
      'client-properties': [['capabilities', 'F', capabilities]], 'mechanism': 'PLAIN', 'locale': 'en_US',
      'response': plainResponse(user, password),
    }),
    methodFrame('connection.tune-ok', { 'channel-max': 2047, 'frame-max': 131_072, 'heartbeat': 0 }),
    methodFrame('connection.open', { 'virtual-host': vhost }),
  ])
}

function methodFrame(...[name, args]: Parameters<typeof encodeMethod>): Buffer {
  return encodeFrame(frameType.method, 0, encodeMethod(name, args))
}

/**
 * A session of one channel without a mistake, so that whatever goes wrong is the mutation's: two channels of
 * RabbitMQ race each other, and its reader races a channel that is being closed.
 */
export function cleanStream(dice: Dice, prefix: string): StreamFrame[] {
  const draft = new Draft(dice)
  draft.add('0.1', 'channel.open')
  draft.exchange(0, dice.pick(['direct', 'fanout', 'topic']))
  for (let n = 0; n < 2; n++) {
    draft.queue(n, [], { exclusive: true })
    draft.bind(n, exchangeName(0), dice.pick(['', 'a']))
  }
  if (dice.chance(0.5)) draft.add('0.1', 'confirm.select')
  draft.add('0.1', 'basic.qos', { 'prefetch-count': dice.below(5) })
  draft.add('0.1', 'basic.consume', { 'queue': queueName(0), 'consumer-tag': 'c', 'no-ack': true })
  for (let n = 0; n < 4; n++) {
    draft.publish('0.1', {
      exchange: exchangeName(0), key: 'a', properties: properties(dice), mandatory: true,
    })
    draft.publish('0.1', { key: queueName(1), body: 'x'.repeat(dice.below(40)) })
    draft.add('0.1', 'basic.get', { 'queue': queueName(1), 'no-ack': true })
  }
  draft.add('0.1', 'basic.cancel', { 'consumer-tag': 'c' })
  draft.add('0.1', 'queue.purge', { queue: queueName(1) })
  draft.add('0.1', 'exchange.delete', { exchange: exchangeName(0) })
  draft.add('0.1', 'channel.close', { 'reply-code': 200 })
  return draft.steps.flatMap((step) =>
    ('do' in step ? framesOf(step, Number(step.on.split('.')[1]), prefix) : []))
}

/** The frames of a generated program, each channel opened before its first use. */
export function streamOf(seed: number, prefix: string): StreamFrame[] {
  const frames: StreamFrame[] = []
  const open = new Set<number>()
  for (const step of generate(seed, undefined).steps) {
    if (!('do' in step) || step.do.startsWith('connection.')) continue
    const [connection, number] = step.on.split('.').map(Number) as [number, number]
    const channel = connection * 100 + number
    if (!open.has(channel)) frames.push({ type: 1, channel, payload: encodeMethod('channel.open') })
    open.add(channel)
    frames.push(...framesOf(step, channel, prefix))
    if (step.do === 'channel.close') open.delete(channel)
  }
  return frames
}

function framesOf(step: MethodStep, channel: number, prefix: string): StreamFrame[] {
  const resolve = (value: Args | undefined): Args => resolveNames(value ?? {}, prefix, 'none') as Args
  const args = { ...resolve(step.args), ...step.pick !== undefined && { 'delivery-tag': step.pick + 1 } }
  const frames: StreamFrame[] = [{ type: frameType.method, channel, payload: encodeMethod(step.do, args) }]
  if (step.do !== 'basic.publish') return frames
  const body = Buffer.from(step.body ?? '')
  const list = encodeProperties(resolve(step.properties))
  frames.push({ type: frameType.header, channel, payload: encodeHeader(body.length, list) })
  if (body.length > 0) frames.push({ type: frameType.body, channel, payload: body })
  return frames
}
