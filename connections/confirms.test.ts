// Confirms: in the order of the tags, never before the batch that holds a message is durable, as few frames
// as possible.
import { array, assert, boolean, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DurableListener } from '../broker/durable-records.ts'
import { FrameWriter } from '../protocol/frame-writer.ts'
import { TimeHistogram } from '../base/time-histogram.ts'
import { Confirms } from './confirms.ts'
import type { ConfirmingChannel } from './confirms.ts'

/** Heads of basic.ack and basic.nack on channel 5. */
const ANSWERS = ['0100050000000d003c0050', '0100050000000d003c0078']

/** A channel whose store reports batches when the test says so, as VHost does. */
class TestChannel implements ConfirmingChannel {
  readonly number = 5
  readonly writer = new FrameWriter()
  readonly confirms = new Confirms(this)
  isOpen = true
  monotonicMs = 0
  readonly times = new TimeHistogram()
  readyCalls = 0
  private listeners: DurableListener[] = []

  confirmsReady(): void {
    this.readyCalls++
  }

  awaitDurable(listener: DurableListener): void {
    this.listeners.push(listener)
  }

  get listenerCount(): number {
    return this.listeners.length
  }

  durable(batch: number): void {
    this.listeners = this.listeners.filter((listener) => listener.durable(batch))
  }

  /** `tag`, or `..tag` when it answers several; with a `-` before it for a nack. */
  written(): string[] {
    this.confirms.write(this.writer, this.times)
    const bytes = Buffer.concat(this.writer.take())
    const answers: string[] = []
    for (let at = 0; at < bytes.length; at += 21) {
      const method = bytes.toString('hex', at, at + 11)
      if (!ANSWERS.includes(method)) throw new Error(`neither ack nor nack on channel 5: ${method}`)
      const sign = method.endsWith('78') ? '-' : ''
      answers.push(sign + ((bytes[at + 19]! & 1) === 1 ? '..' : '') + String(bytes.readBigUInt64BE(at + 11)))
    }
    return answers
  }
}

describe('a publish that nothing stores', () => {
  it('is confirmed at the end of its turn', () => {
    const channel = new TestChannel()
    channel.confirms.published(0, false)
    expect(channel.readyCalls).toBe(1)
    expect(channel.written()).toEqual(['1'])
    expect(channel.listenerCount).toBe(0)
  })

  it('waits for an earlier one that is stored', () => {
    const channel = new TestChannel()
    channel.confirms.published(3, false)
    channel.confirms.published(0, false)
    expect(channel.written()).toEqual([])
    channel.durable(3)
    expect(channel.written()).toEqual(['..2'])
  })
})

describe('a stored publish', () => {
  it('is not confirmed before its batch is durable', () => {
    const channel = new TestChannel()
    channel.confirms.published(3, false)
    channel.durable(2)
    expect(channel.written()).toEqual([])
    channel.durable(3)
    expect(channel.written()).toEqual(['1'])
  })

  it('is confirmed with all of its batch by one frame', () => {
    const channel = new TestChannel()
    for (const batch of [1, 1, 1, 2]) channel.confirms.published(batch, false)
    channel.durable(1)
    expect(channel.written()).toEqual(['..3'])
    channel.durable(2)
    expect(channel.written()).toEqual(['4'])
  })

  it('is confirmed when a later batch is reported first', () => {
    const channel = new TestChannel()
    for (const batch of [1, 2, 3]) channel.confirms.published(batch, false)
    channel.durable(3)
    expect(channel.written()).toEqual(['..3'])
    expect(channel.listenerCount).toBe(0)
  })

  it('asks to be told once, and again after everything was confirmed', () => {
    const channel = new TestChannel()
    for (const batch of [1, 1, 2]) channel.confirms.published(batch, false)
    expect(channel.listenerCount).toBe(1)
    channel.durable(1)
    expect(channel.listenerCount).toBe(1)
    channel.durable(2)
    expect(channel.listenerCount).toBe(0)
    channel.confirms.published(3, false)
    expect(channel.listenerCount).toBe(1)
  })
})

it('gathers what became ready before it is written', () => {
  const channel = new TestChannel()
  channel.confirms.published(0, false)
  channel.confirms.published(1, false)
  channel.durable(1)
  channel.confirms.published(0, false)
  expect(channel.written()).toEqual(['..3'])
  expect(channel.written()).toEqual([])
})

it('says how many publishes it confirmed', () => {
  const channel = new TestChannel()
  for (let n = 0; n < 3; n++) channel.confirms.published(0, false)
  expect(channel.confirms.write(channel.writer, channel.times)).toBe(3)
  expect(channel.confirms.write(channel.writer, channel.times)).toBe(0)
})

it('tells how late confirms are: the first publish of a batch stands for all of it', () => {
  const channel = new TestChannel()
  channel.confirms.published(1, false)
  channel.monotonicMs = 6
  channel.confirms.published(1, false)
  channel.confirms.published(2, false)
  channel.durable(1)
  channel.written()
  expect([channel.times.sumMs, channel.times.counts.reduce((sum, count) => sum + count)]).toEqual([12, 2])
  channel.monotonicMs = 106
  channel.durable(2)
  channel.written()
  expect(channel.times.sumMs).toBe(112)
})

it('confirms nothing on a closed channel, and listens no more', () => {
  const channel = new TestChannel()
  channel.confirms.published(1, false)
  channel.isOpen = false
  channel.durable(1)
  expect(channel.readyCalls).toBe(0)
  expect(channel.listenerCount).toBe(0)
})

describe('a nack', () => {
  it('is never covered by an ack of several, nor covers one', () => {
    const channel = new TestChannel()
    for (const isNack of [false, false, true, false]) channel.confirms.published(0, isNack)
    expect(channel.written()).toEqual(['..2', '-3', '4'])
  })

  it('waits for its turn behind what is not durable yet', () => {
    const channel = new TestChannel()
    channel.confirms.published(1, false)
    channel.confirms.published(0, true)
    expect(channel.written()).toEqual([])
    channel.durable(1)
    expect(channel.written()).toEqual(['1', '-2'])
  })
})

it('answers each tag once, in order, and exactly when it and all before it are safe', () => {
  const kinds = constantFrom('publish', 'publish', 'publish', 'durable', 'write')
  const step = record({ kind: kinds, n: integer({ min: 0, max: 4 }), isNack: boolean() })
  assert(property(array(step, { maxLength: 100 }), (steps) => {
    const channel = new TestChannel()
    const published: { batch: number; isNack: boolean }[] = []
    let openBatch = 1
    let durable = 0
    let answered = 0
    for (const { kind, n, isNack } of steps) {
      if (kind === 'publish') {
        const batch = n < 2 ? 0 : openBatch
        if (n === 4) openBatch++
        published.push({ batch, isNack })
        channel.confirms.published(batch, isNack)
      } else if (kind === 'durable') {
        durable = Math.max(durable, Math.min(openBatch++, durable + 1 + n))
        channel.durable(durable)
      } else {
        const waiting = published.findIndex(({ batch }) => batch > durable)
        const safe = waiting < 0 ? published.length : waiting
        const covered: boolean[] = []
        for (const answer of channel.written()) {
          const tag = Number(answer.replace(/^-?(\.\.)?/, ''))
          expect(answer.includes('..')).toBe(tag - answered > 1)
          while (answered < tag) covered[answered++] = answer.startsWith('-')
        }
        expect(answered).toBe(safe)
        covered.forEach((wasNack, at) => expect([at, wasNack]).toEqual([at, published[at]!.isNack]))
      }
    }
  }), { numRuns: 500 })
})
