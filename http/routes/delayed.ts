// /api/v1/queues/VHOST/QUEUE/delayed: what waits for its time, by due time, and changing one's mind about a
// single message: told off, sent now, or for another time. RabbitMQ has nothing like it. Answers come when
// the change is on disk; each change is in one batch.
import { z } from 'zod'
import type { VHost } from '../../broker/vhost.ts'
import { DELAY_MS_MAX, parseTime } from '../../queues/delay.ts'
import type { HeldMessage } from '../../queues/held.ts'
import { fireHeld, rescheduleHeld, withdrawHeld } from '../../queues/held-view.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry, readableQueue } from '../access.ts'
import { json, noContent } from '../answer.ts'
import { describeHeld, dueCursor, lookOnce, parseDue } from '../delayed-messages.ts'
import { whenStored } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, notFound } from '../errors.ts'
import type { Door } from '../node-view.ts'
import { looseInteger } from '../schemas.ts'

const LIMIT_MAX = 1_000
/** Of each body, when the query does not say. */
const TRUNCATE = 10_000

const listQuery = z.object({
  from: z.string().optional(),
  limit: looseInteger.default(50).refine((limit) => limit >= 1 && limit <= LIMIT_MAX,
    { error: `limit must be from 1 to ${LIMIT_MAX}` }),
  truncate: looseInteger.default(TRUNCATE).refine((bytes) => bytes >= 0,
    { error: 'truncate must not be negative' }),
})

const rescheduleBody = z.object({ at: z.string().optional(), delay: looseInteger.optional() })

type Reschedule = z.infer<typeof rescheduleBody>

/** Errors: HttpError. */
function dueMsOf({ at, delay }: Reschedule, nowMs: number): number {
  if ((at === undefined) === (delay === undefined)) throw badRequest('give either at or delay')
  const dueMs = at === undefined ? nowMs + delay! : parseTime(at)
  if (Number.isNaN(dueMs)) {
    throw badRequest(`at: '${at!.slice(0, 100)}' is no time like 2027-01-31T09:30:00Z`)
  }
  if (dueMs > nowMs + DELAY_MS_MAX) {
    throw badRequest(`at most 100 years (${DELAY_MS_MAX} ms) from now`)
  }
  return Math.max(nowMs, dueMs)
}

/**
 * Takes one out and does something with it in the same batch; waits for that. Errors: HttpError 404 when it
 * is not held, or not any more.
 */
function change<T>(
  { broker }: Door, vhost: VHost, queue: Queue, id: string, act: (taken: HeldMessage) => T,
): Promise<T> {
  const number = /^\d{1,16}$/.test(id) ? Number(id) : 0
  return new Promise((resolve, reject) => {
    withdrawHeld(queue, vhost.store, number, (taken) => {
      broker.turn.begin()
      if (taken === null) {
        return reject(notFound(`no delayed message ${id} in ${vhost.describeQueue(queue.name)}`))
      }
      const result = act(taken)
      if (taken.isStored) whenStored(vhost).then(() => resolve(result), reject)
      else resolve(result)
    })
  })
}

export const delayedEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/queues/:vhost/:queue/delayed', access: 'management', query: listQuery,
    doc: 'Messages that wait for their time, the next first, with `due_at`. `from` is the `next` of the page '
      + `before; \`limit\` is 50, at most ${LIMIT_MAX}; \`truncate\` cuts bodies. Answers \`items\`, `
      + '`next` (null at the end) and the `total`. A page may hold less than `limit` and not be the last.',
    async handle({ door, user, vhost, params, query }) {
      const queue = readableQueue(vhost, checkEntry(door.broker, user, vhost), params.queue)
      const { items, next } = await lookOnce(vhost, queue, parseDue(query.from), query.limit)
      return json({
        items: items.map((held) => describeHeld(queue, held, query.truncate)),
        next: next === null ? null : dueCursor(next), total: queue.heldCount,
      })
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/v1/queues/:vhost/:queue/delayed/:id', access: 'management',
    doc: 'Drops a message that waits for its time. 404 when it does so no more.',
    async handle({ door, user, vhost, params }) {
      const queue = readableQueue(vhost, checkEntry(door.broker, user, vhost), params.queue)
      await change(door, vhost, queue, params.id, ({ message }) => queue.left(message))
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/queues/:vhost/:queue/delayed/:id/fire', access: 'management',
    doc: 'Makes a message ready now, at the end of its queue. 404 when it does not wait any more.',
    async handle({ door, user, vhost, params }) {
      const queue = readableQueue(vhost, checkEntry(door.broker, user, vhost), params.queue)
      await change(door, vhost, queue, params.id,
        (taken) => fireHeld(queue, taken, door.broker.clock.nowMs))
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/queues/:vhost/:queue/delayed/:id/reschedule', access: 'management',
    body: rescheduleBody,
    doc: 'Gives a message another time: `at`, like `2027-01-31T09:30:00Z`, or `delay`, in milliseconds from '
      + 'now. Answers its new `id` and `due_at`. 404 when it does not wait any more.',
    async handle({ door, user, vhost, params, body }) {
      const queue = readableQueue(vhost, checkEntry(door.broker, user, vhost), params.queue)
      const dueMs = dueMsOf(body, door.broker.clock.nowMs)
      const id = await change(door, vhost, queue, params.id, (taken) => rescheduleHeld(queue, taken, dueMs))
      return json({ id, due_at: new Date(dueMs).toISOString() })
    },
  }),
]
