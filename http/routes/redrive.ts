// /api/v1/dead-letters/VHOST/QUEUE/redrive and …/jobs: jobs that move messages out of a queue, to where they
// died, to where they came from, or elsewhere. With dry_run nothing is moved and counts are answered.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Caller } from '../../broker/caller.ts'
import type { User } from '../../broker/users.ts'
import type { VHost } from '../../broker/vhost.ts'
import { compileFilter, filterSchema } from '../../dlq/message-filter.ts'
import { Redrive } from '../../dlq/redrive.ts'
import type { Destination } from '../../dlq/redrive.ts'
import type { RedriveJob } from '../../dlq/redrive-job.ts'
import type { RedriveOrder } from '../../dlq/redrive-record.ts'
import { FIRST } from '../../queues/browser.ts'
import type { BrowsedPage, Place } from '../../queues/browser.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry } from '../access.ts'
import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { findOnce, lookOnce } from '../browsing.ts'
import { whenStored } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, noSuchObject } from '../errors.ts'
import { shortText } from '../schemas.ts'
import { queueNamed } from './queues.ts'

const IDS_MAX = 1_000
/** Of a dry run; it says whether it was enough to look at all. */
const DRY_RUN_MS = 2_000
const DRY_RUN_PAGE = 500

export const destination = z.union([
  z.enum(['died', 'origin']).transform((kind): Destination => ({ kind })),
  z.strictObject({ exchange: shortText, routing_key: shortText.optional() })
    .transform(({ exchange, routing_key: key }): Destination => (
      { kind: 'exchange', exchange: exchange === 'amq.default' ? '' : exchange, routingKey: key ?? null })),
], { error: 'to must be "died", "origin" or {"exchange", "routing_key"}' })

const redriveBody = z.strictObject({
  to: destination.default({ kind: 'died' }),
  filter: filterSchema.default({}),
  ids: z.array(z.int().positive()).min(1).max(IDS_MAX).nullable().default(null),
  history: z.enum(['keep', 'strip'], { error: 'history must be "keep" or "strip"' }).default('keep'),
  rate: z.number().positive({ error: 'rate must be more than 0 messages a second' }).nullable().default(null),
  dry_run: z.boolean().default(false),
}).refine(({ ids, filter }) => ids === null || Object.keys(filter).length === 0, {
  error: 'ids and filter cannot both be given',
})

const jobChanges = { pause: 'paused', resume: 'running', cancel: 'cancelled' } as const

const jobBody = z.strictObject({
  action: z.enum(['pause', 'resume', 'cancel'], { error: 'action must be "pause", "resume" or "cancel"' }),
})

/** Errors: AmqpError, HttpError: the user may not read the queue, or not write where all of it is to go. */
function checkRedrive(vhost: VHost, { owner, access }: Caller, queueName: string, to: Destination): Queue {
  access.check('read', 'queue', queueName)
  const queue = queueNamed(vhost, queueName)
  vhost.checkOwner(queue, owner)
  if (to.kind === 'exchange') {
    access.check('write', 'exchange', to.exchange)
    vhost.getExchange(to.exchange)
  }
  if (to.kind === 'died') access.check('write', 'exchange', '')
  return queue
}

/** Where everything would go, without moving it. */
async function dryRun(vhost: VHost, queue: Queue, order: RedriveOrder): Promise<Answer> {
  const redrive = new Redrive(vhost, vhost.queueParts.clock)
  const redriver = {
    destination: order.to, keepsHistory: order.keepsHistory,
    mayWrite: (exchange: string) => vhost.mayWrite(order.user, exchange),
  }
  const filter = compileFilter(order.filter)
  const destinations = new Map<string, number>()
  const stayed: Record<string, number> = {}
  let [messages, bytes, scanned] = [0, 0, 0]
  let from: Place | null = FIRST
  const untilMs = performance.now() + DRY_RUN_MS
  while (from !== null && performance.now() < untilMs) {
    const page: BrowsedPage = order.ids === null
      ? await lookOnce(vhost, queue, { from, filter, limit: DRY_RUN_PAGE })
      : await findOnce(vhost, queue, order.ids, from, DRY_RUN_PAGE)
    for (const { entry } of page.items) {
      const passage = redrive.plan(entry, redriver)
      if (typeof passage === 'string') {
        stayed[passage] = (stayed[passage] ?? 0) + 1
        continue
      }
      messages++
      bytes += entry.message.bodyBytes
      for (const { name } of passage.route.queues) destinations.set(name, (destinations.get(name) ?? 0) + 1)
    }
    scanned += page.scanned
    from = page.next
    await nextTurn()
  }
  return json({
    dry_run: true, messages, bytes, destinations: Object.fromEntries(destinations), stayed, scanned,
    complete: from === null,
  })
}

function describeJob({ id, record }: RedriveJob): object {
  const { to, ids, filter } = record
  return {
    id, queue: record.queue, state: record.state, error: record.error,
    to: to.kind === 'exchange' ? { exchange: to.exchange, routing_key: to.routingKey } : to.kind,
    filter, ids: ids?.length ?? null, history: record.keepsHistory ? 'keep' : 'strip',
    rate: record.ratePerSecond, user: record.user,
    moved: record.moved, scanned: record.scanned, stayed: record.stayed,
    started_at: new Date(record.startedAtMs).toISOString(),
    ended_at: record.endedAtMs === null ? null : new Date(record.endedAtMs).toISOString(),
  }
}

/** Errors: HttpError. */
function jobNamed(vhost: VHost, queue: string, id: string): RedriveJob {
  const job = /^\d{1,15}$/.test(id) ? vhost.redrives.find(queue, Number(id)) : null
  if (job === null) throw noSuchObject()
  return job
}

function orderOf(user: User, body: z.infer<typeof redriveBody>): RedriveOrder {
  return {
    to: body.to, filter: body.filter, ids: body.ids, keepsHistory: body.history === 'keep',
    ratePerSecond: body.rate, user: user.name,
  }
}

export const redriveEndpoints = [
  endpoint({
    method: 'POST', path: '/api/v1/dead-letters/:vhost/:queue/redrive', access: 'management',
    body: redriveBody,
    doc: 'Starts a job that moves messages out of the queue: 201 with the job. `to` is `"died"` (the queue '
      + 'of the latest death; the default), `"origin"` (the exchange and routing keys of that death) or '
      + '`{"exchange", "routing_key"}`. `filter` or up to 1,000 `ids` choose; `history` is `keep` or '
      + '`strip`; `rate` is messages a second. With `dry_run` it only counts. What finds no room or no way '
      + 'stays, counted in `stayed` by its reason: `no-history`, `forbidden`, `unroutable`, `full`.',
    async handle({ door: { broker }, user, vhost, params, body }) {
      const queue = checkRedrive(vhost, checkEntry(broker, user, vhost), params.queue, body.to)
      const order = orderOf(user, body)
      if (body.dry_run) return dryRun(vhost, queue, order)
      const job = vhost.redrives.start(queue, order, broker.messageIds.last)
      await whenStored(vhost)
      return json(describeJob(job), 201)
    },
  }),
  endpoint({
    method: 'GET', path: '/api/v1/dead-letters/:vhost/:queue/jobs', access: 'management',
    doc: 'Redrive jobs of the queue, the newest first; of those that are over the last 100 of the vhost.',
    handle({ door: { broker }, user, vhost, params }) {
      checkEntry(broker, user, vhost).access.check('read', 'queue', params.queue)
      return json({ items: vhost.redrives.of(params.queue).map(describeJob) })
    },
  }),
  endpoint({
    method: 'GET', path: '/api/v1/dead-letters/:vhost/:queue/jobs/:id', access: 'management',
    doc: 'One job: `state` is `running`, `paused`, `done`, `cancelled` or `failed`; how many were `moved`, '
      + '`scanned`, and `stayed` by reason.',
    handle({ door: { broker }, user, vhost, params }) {
      checkEntry(broker, user, vhost).access.check('read', 'queue', params.queue)
      return json(describeJob(jobNamed(vhost, params.queue, params.id)))
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/dead-letters/:vhost/:queue/jobs/:id', access: 'management', body: jobBody,
    doc: '`action` is `pause`, `resume` or `cancel`; a job that is over refuses with 400.',
    async handle({ door: { broker }, user, vhost, params, body: { action } }) {
      checkEntry(broker, user, vhost).access.check('read', 'queue', params.queue)
      const job = jobNamed(vhost, params.queue, params.id)
      if (!job.change(jobChanges[action])) throw badRequest(`job ${job.id} is ${job.record.state}`)
      await whenStored(vhost)
      return json(describeJob(job))
    },
  }),
]
