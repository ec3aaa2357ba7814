// `message_stats` and every other counter with its `_details`: the value now, the rate of the last five
// seconds, and, when the query asks for it, a curve. Keys are RabbitMQ's; each is the sum of one or more of
// the fields that base/traffic.ts counts.
import { z } from 'zod'
import type { History } from '../broker/history.ts'
import { badRequest } from './errors.ts'

type Counted = Readonly<Record<string, number>>
/** RabbitMQ's key, and the fields that make it up. */
type Key = readonly [string, readonly string[]]

const OF_QUEUES: readonly Key[] = [
  ['publish', ['published']],
  ['deliver', ['deliveredManualAck']],
  ['deliver_no_ack', ['deliveredAutoAck']],
  ['get', ['gotManualAck']],
  ['get_no_ack', ['gotAutoAck']],
  ['get_empty', ['gotEmpty']],
  ['deliver_get', ['deliveredManualAck', 'deliveredAutoAck', 'gotManualAck', 'gotAutoAck']],
  ['redeliver', ['redelivered']],
  ['ack', ['acked']],
]
const OF_CHANNELS: readonly Key[] = [
  ...OF_QUEUES,
  ['confirm', ['confirmed']],
  ['return_unroutable', ['returned']],
  ['drop_unroutable', ['droppedUnroutable']],
]
export const statKeys = {
  queue: OF_QUEUES,
  channel: OF_CHANNELS,
  exchange: [['publish_in', ['publishedIn']], ['publish_out', ['publishedOut']]] as readonly Key[],
  bytes: [['recv_oct', ['bytesIn']], ['send_oct', ['bytesOut']]] as readonly Key[],
  lengths: [
    ['messages', ['readyCount', 'unackedCount']], ['messages_ready', ['readyCount']],
    ['messages_unacknowledged', ['unackedCount']],
  ] as readonly Key[],
  churn: [
    ['connection_created', ['connectionsOpened']], ['connection_closed', ['connectionsClosed']],
    ['channel_created', ['channelsOpened']], ['channel_closed', ['channelsClosed']],
    ['queue_declared', ['queuesDeclared']], ['queue_created', ['queuesCreated']],
    ['queue_deleted', ['queuesDeleted']],
  ] as readonly Key[],
}

/** A curve that was asked for; null: rates alone. */
export interface Curve {
  readonly ageMs: number
  readonly incrementMs: number
}

const CURVE_POINTS_MAX = 1_000
// RabbitMQ takes what is no number for not given.
const seconds = z.string().optional()
  .transform((text) => (/^\d{1,9}$/.test(text ?? '') ? Number(text) : null))

export const curveQuery = z.object({
  lengths_age: seconds, lengths_incr: seconds, msg_rates_age: seconds, msg_rates_incr: seconds,
  data_rates_age: seconds, data_rates_incr: seconds, node_stats_age: seconds, node_stats_incr: seconds,
})

export type CurveQuery = z.infer<typeof curveQuery>

/** Errors: HttpError for more points than anybody draws. */
export function curveOf(query: CurveQuery, what: 'lengths' | 'msg_rates' | 'data_rates'): Curve | null {
  const age = query[`${what}_age`]
  const increment = query[`${what}_incr`]
  if (age === null || increment === null || increment === 0) return null
  if (age / increment > CURVE_POINTS_MAX) {
    throw badRequest(`${what}: ${age} seconds by ${increment} are more than ${CURVE_POINTS_MAX} samples`)
  }
  return { ageMs: age * 1000, incrementMs: increment * 1000 }
}

/** Null for an object that nothing of this has happened to: RabbitMQ leaves it out. */
export function messageStats(
  keys: readonly Key[], counted: object, history: History | null, curve: Curve | null,
): object | null {
  const now = counted as Counted
  const isUntouched = keys.every(([, fields]) => sum(fields, (field) => now[field]!) === 0)
  return isUntouched ? null : withDetails(keys, counted, history, curve)
}

/** Each key with its value, and `KEY_details` beside it. */
export function withDetails(
  keys: readonly Key[], counted: object, history: History | null, curve: Curve | null,
): Record<string, number | object> {
  const now = counted as Counted
  const stats: Record<string, number | object> = {}
  for (const [key, fields] of keys) {
    stats[key] = sum(fields, (field) => now[field]!)
    stats[`${key}_details`] = details(fields, history, curve)
  }
  return stats
}

function details(fields: readonly string[], history: History | null, curve: Curve | null): object {
  const rate = history === null ? 0 : sum(fields, (field) => history.rate(field))
  if (curve === null || history === null) return { rate }
  const { ageMs, incrementMs } = curve
  const [first = [], ...others] = fields.map((field) => history.samples(field, ageMs, incrementMs))
  const samples = first.map(({ sample, timestamp }, at) => ({
    sample: others.reduce((total, other) => total + other[at]!.sample, sample), timestamp,
  }))
  const newest = samples[0]
  const oldest = samples.at(-1)
  if (newest === undefined || oldest === undefined) return { rate }
  const elapsed = (newest.timestamp - oldest.timestamp) / 1000
  return {
    rate,
    avg: sum(samples, ({ sample }) => sample) / samples.length,
    avg_rate: elapsed === 0 ? 0 : (newest.sample - oldest.sample) / elapsed,
    samples,
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0
  for (const item of items) total += of(item)
  return total
}
