// A program while it is written: the steps so far, and the phrases that all generators use. Called by the
// generators. Invariant: consumers of queue n are on channels 10 + n, 20 + n and 30 + n of their connection,
// one on each, and gets on 40 + n: the order in which two queues deliver to one channel is not determined by
// any program, and RabbitMQ settles for one consumer of a channel after the other.

import type { MethodName } from '../../harness/amqp-methods.ts'
import type { Args, Field } from '../../harness/wire.ts'
import type { Dice } from '../dice.ts'
import { limitedConnection, namesIn } from '../program.ts'
import type { ManageStep, Step } from '../program.ts'

export interface Publishing {
  readonly exchange?: string
  readonly key?: string
  readonly mandatory?: boolean
  readonly properties?: Args
  readonly body?: string
  readonly times?: number
}

export const queueName = (n: number): string => `%q${n}`
export const exchangeName = (n: number): string => `%e${n}`

export class Draft {
  readonly dice: Dice
  readonly steps: Step[] = []
  /** Whether what a passive declare counts is determined. */
  hasCounts = true
  private bodies = 0
  private consumers = 0
  /** Channels that take from a queue, and the tag of the consumer on each; null: none. */
  private readonly consumed = new Map<string, string | null>()

  constructor(dice: Dice) {
    this.dice = dice
  }

  add(on: string, method: MethodName, args: Args = {}): void {
    this.steps.push({ on, do: method, args })
  }

  /** A channel on which a connection consumes from a queue. */
  consuming(connection: number, queue: number): string {
    const channels = [10, 20, 30, 40].map((first) => `${connection}.${first + queue}`)
    const used = channels.filter((channel) => this.consumed.has(channel))
    return used.length === 0 ? channels[0]! : this.dice.pick(used)
  }

  queue(n: number, args: readonly Field[] = [], flags: Args = {}, on = '0.1'): void {
    this.add(on, 'queue.declare', { queue: queueName(n), ...flags, arguments: args })
  }

  exchange(n: number, type: string, args: readonly Field[] = [], flags: Args = {}, on = '0.1'): void {
    this.add(on, 'exchange.declare', { exchange: exchangeName(n), type, ...flags, arguments: args })
  }

  bind(queue: number, exchange: string, key = '', args: readonly Field[] = [], on = '0.1'): void {
    this.add(on, 'queue.bind', { 'queue': queueName(queue), exchange, 'routing-key': key, 'arguments': args })
  }

  publish(on: string, publishing: Publishing): void {
    const { exchange = '', key = '', mandatory = false, properties, body, times } = publishing
    this.steps.push({
      on, do: 'basic.publish', args: { exchange, 'routing-key': key, ...mandatory && { mandatory } },
      body: body ?? `m${this.bodies++}`, ...properties && { properties }, ...times !== undefined && { times },
    })
  }

  /** On each channel that the connection consumes from the queue on. */
  hasConsumers(connection: number, queue: number): boolean {
    return [10, 20, 30].every((first) => this.consumed.has(`${connection}.${first + queue}`))
  }

  /**
   * On a channel that has no consumer yet. Returns the channel and the tag; those of one that is there, when
   * every channel has one.
   */
  consume(connection: number, queue: number, args: Args = {}): [on: string, tag: string] {
    const tag = `c${this.consumers++}`
    const channels = [10, 20, 30].map((first) => `${connection}.${first + queue}`)
    const on = channels.find((channel) => !this.consumed.has(channel))
    if (on === undefined) return [channels[0]!, this.consumed.get(channels[0]!)!]
    this.consumed.set(on, tag)
    this.add(on, 'basic.consume', { 'queue': queueName(queue), 'consumer-tag': tag, ...args })
    return [on, tag]
  }

  get(connection: number, queue: number, isNoAck = false): void {
    const on = `${connection}.${40 + queue}`
    this.consumed.set(on, null)
    this.add(on, 'basic.get',
      { queue: queueName(queue), ...isNoAck && { 'no-ack': true } })
  }

  /** ack, nack or reject of something that the channel has unsettled, mostly. */
  settle(connection: number, queue: number): void {
    const { dice } = this
    const method = dice.weighted([[5, 'basic.ack'], [4, 'basic.nack'], [3, 'basic.reject']] as const)
    const isMultiple = method !== 'basic.reject' && dice.chance(0.25)
    this.steps.push({
      on: this.consuming(connection, queue), do: method,
      pick: dice.weighted([[6, 0], [2, 1], [1, 2], [1, 7]]),
      args: {
        ...isMultiple && { multiple: true },
        ...method !== 'basic.ack' && dice.chance(0.6) && { requeue: true },
      },
    })
  }

  manage(method: ManageStep['manage'], path: string, body?: Args): void {
    this.steps.push({ manage: method, path, ...body !== undefined && { body } })
  }

  elapse(elapseMs: number): void {
    this.steps.push({ elapseMs })
  }

  /** One by one: the channels of a connection that closes are processes of RabbitMQ that race each other. */
  closeChannels(isClosed: (channel: string) => boolean): void {
    const used = new Set(this.steps.flatMap((step) => ('on' in step ? [step.on] : [])))
    for (const on of [...used].filter(isClosed).toSorted().toReversed()) {
      this.add(on, 'channel.close', { 'reply-code': 200 })
    }
  }

  closeConnection(connection: number): void {
    this.add(`${connection}.1`, 'connection.close', { 'reply-code': 200 })
  }

  /** What is left in every queue of the program, with and without what consumers held. */
  finish(): Step[] {
    const queues = namesIn(this.steps).filter((name) => name.startsWith('%q'))
    if (this.hasCounts) {
      for (const queue of queues) this.add('0.90', 'queue.declare', { queue, passive: true })
    }
    this.closeChannels((on) => on !== '0.90')
    for (const connection of [1, 2, limitedConnection]) {
      const isUsed = this.steps.some((step) => 'on' in step && step.on.startsWith(`${connection}.`))
      if (isUsed) this.closeConnection(connection)
    }
    for (const queue of queues) this.steps.push({ on: '0.91', drain: queue })
    return this.steps
  }
}

/** `count` times, one of the weighted things to do. */
export function repeat(dice: Dice, count: number, rows: readonly (readonly [number, () => void])[]): void {
  for (let n = 0; n < count; n++) dice.weighted(rows)()
}
