// An AMQP program as data: what generators write, play.ts performs, shrink.ts shortens and people read.
// Invariant: any subset of a program's steps is a program, since connections and channels are opened when a
// step needs them and delivery tags are chosen from what the channel holds.

import type { MethodName } from '../harness/amqp-methods.ts'
import type { Args } from '../harness/wire.ts'

export interface MethodStep {
  /** Connection and channel, `0.1`. */
  readonly on: string
  readonly do: MethodName
  /** In strings, `%` begins a name of the program's own and `%reply` is the last direct-reply name heard. */
  readonly args?: Args
  /** The delivery tag: the n-th of those that the channel has unsettled, modulo their number; n if none. */
  readonly pick?: number
  /** basic.publish only. */
  readonly properties?: Args
  readonly body?: string
  readonly times?: number
}

/** basic.get until the queue is empty, without acks. */
export interface DrainStep {
  readonly on: string
  readonly drain: string
}

export interface ElapseStep {
  readonly elapseMs: number
}

/** A request to the management API. */
export interface ManageStep {
  readonly manage: 'PUT' | 'DELETE'
  /** After `/api`, with `{vhost}`, `{user}` and `%` names: `/policies/{vhost}/%p0`. */
  readonly path: string
  readonly body?: Args
}

export type Step = MethodStep | DrainStep | ElapseStep | ManageStep

/** The connection that logs in as a user who may do nothing but what the program permits. */
export const limitedConnection = 3

export interface Program {
  readonly generator: string
  readonly seed: number
  readonly steps: readonly Step[]
}

/** One that once made the two brokers differ. */
export interface Reproducer extends Program {
  readonly title: string
}

const replyMark = '%reply'

/** The value with its `%` names made this run's own, however deep they lie. */
export function resolveNames(value: unknown, prefix: string, reply: string): unknown {
  if (typeof value === 'string') {
    return value === replyMark ? reply : value.includes('%') ? value.replaceAll('%', prefix) : value
  }
  if (Array.isArray(value)) return value.map((item: unknown) => resolveNames(item, prefix, reply))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, resolveNames(item, prefix, reply)])
  return Object.fromEntries(entries)
}

/** The names in a program, as written there: of queues (`%q…`) and exchanges (`%e…`), or of other letters. */
export function namesIn(steps: readonly Step[], letters = 'qe'): string[] {
  const pattern = new RegExp(`%[${letters}]\\d+`, 'g')
  return [...new Set(JSON.stringify(steps).match(pattern) ?? [])].toSorted()
}

function argText(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

function argsText(args: Args | undefined): string {
  return Object.entries(args ?? {})
    .map(([name, value]) => (value === true ? name : `${name}=${argText(value)}`)).join(' ')
}

export function stepText(step: Step): string {
  if ('elapseMs' in step) return `wait ${step.elapseMs} ms`
  if ('drain' in step) return `${step.on} get all of ${step.drain}`
  if ('manage' in step) return `${step.manage} ${step.path} ${step.body ? JSON.stringify(step.body) : ''}`
  const parts = [step.on, step.do, argsText(step.args)]
  if (step.pick !== undefined) parts.push(`(unsettled no. ${step.pick})`)
  if (step.properties !== undefined) parts.push(`properties: ${argsText(step.properties)}`)
  if (step.body !== undefined) parts.push(`body: '${step.body}'`)
  if (step.times !== undefined) parts.push(`× ${step.times}`)
  return parts.filter((part) => part !== '').join(' ')
}
