// What is known of a webhook: which queue is pushed where, and how. Kept as JSON among the records of the
// vhost, under the webhook's name. Written by webhooks.ts, acted on by http/webhooks/.
import { z } from 'zod'

export const WEBHOOK_FORMATS = ['raw', 'cloudevents'] as const

export const webhookRecordSchema = z.object({
  queue: z.string(),
  /** http or https, without a login in it. */
  url: z.string(),
  /** Requests at a time, 1 to 1000. */
  concurrency: z.int(),
  /** Of one request, from its start to the end of its answer. */
  timeoutMs: z.int(),
  /** Null: requests are not signed. */
  secret: z.string().nullable(),
  /** Beside those of the message, by lower-case name. */
  headers: z.record(z.string(), z.string()),
  format: z.enum(WEBHOOK_FORMATS),
  isPaused: z.boolean(),
  /** By whose permissions it consumes. */
  user: z.string(),
})

export type WebhookRecord = z.infer<typeof webhookRecordSchema>
