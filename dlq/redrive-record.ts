// What is known of a redrive job: what was ordered, and how far it is. Kept as JSON among the records of the
// vhost, written with every page that it moves.
import { z } from 'zod'
import { filterSchema } from './message-filter.ts'

export const JOB_STATES = ['running', 'paused', 'done', 'cancelled', 'failed'] as const
export type JobState = (typeof JOB_STATES)[number]

const destinationSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('died') }),
  z.object({ kind: z.literal('origin') }),
  z.object({ kind: z.literal('exchange'), exchange: z.string(), routingKey: z.string().nullable() }),
])

const placeSchema = z.object({
  level: z.number(), afterId: z.number(), position: z.number(), skip: z.number(),
})

export const jobRecordSchema = z.object({
  queue: z.string(), queueId: z.int(),
  to: destinationSchema,
  filter: filterSchema,
  /** Messages that were chosen one by one; null: all that the filter lets through. */
  ids: z.array(z.int()).nullable(),
  keepsHistory: z.boolean(),
  ratePerSecond: z.number().positive().nullable(),
  /** By whose permissions. */
  user: z.string(),
  /** The newest message when it began. */
  untilId: z.int(),
  state: z.enum(JOB_STATES),
  error: z.string().nullable(),
  /** How far; null at the start and at the end. */
  place: placeSchema.nullable(),
  scanned: z.int(), moved: z.int(),
  /** How many stayed, by reason. */
  stayed: z.record(z.string(), z.int()),
  startedAtMs: z.number(), endedAtMs: z.number().nullable(),
})

export type JobRecord = z.infer<typeof jobRecordSchema>
/** What whoever starts one says. */
export type RedriveOrder =
  Pick<JobRecord, 'to' | 'filter' | 'ids' | 'keepsHistory' | 'ratePerSecond' | 'user'>
