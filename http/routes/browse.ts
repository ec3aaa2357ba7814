// /api/v1/queues/VHOST/QUEUE/messages: looking at messages where they lie. Nothing is handed out, marked as
// redelivered, moved or renewed by it; RabbitMQ has nothing like it.
import { z } from 'zod'
import type { VHost } from '../../broker/vhost.ts'
import { compileFilter } from '../../dlq/message-filter.ts'
import { EVERY } from '../../queues/browser.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry } from '../access.ts'
import { json } from '../answer.ts'
import { browseQueue, parsePlace } from '../browsing.ts'
import type { Showing, Shown } from '../browsing.ts'
import { browseDead } from '../dead-messages.ts'
import { browseDelayed } from '../delayed-messages.ts'
import { describeMessage } from '../describe-message.ts'
import { endpoint } from '../endpoint.ts'
import { FILTER_DOC, readFilter } from '../filter-query.ts'
import type { Door } from '../node-view.ts'
import { looseInteger } from '../schemas.ts'
import { browseUnacked } from '../unacked-messages.ts'
import { queueNamed } from './queues.ts'

const LIMIT_MAX = 1_000
/** Of each body, when the query does not say. */
const TRUNCATE = 10_000

const states = ['ready', 'unacked', 'delayed', 'dead'] as const

const browseQuery = z.looseObject({
  state: z.enum(states, { error: `state must be one of ${states.join(', ')}` }).default('ready'),
  from: z.string().optional(),
  limit: looseInteger.default(50).refine((limit) => limit >= 1 && limit <= LIMIT_MAX,
    { error: `limit must be from 1 to ${LIMIT_MAX}` }),
  truncate: looseInteger.default(TRUNCATE).refine((bytes) => bytes >= 0,
    { error: 'truncate must not be negative' }),
})
type BrowseQuery = z.infer<typeof browseQuery>

function browse(
  door: Door, vhost: VHost, queue: Queue, { state, from, limit, truncate, ...rest }: BrowseQuery,
): Shown | Promise<Shown> {
  const spec = readFilter(rest, [])
  const filter = Object.keys(spec).length === 0 ? EVERY : compileFilter(spec)
  const showing = { from, filter, limit, truncate }
  switch (state) {
    case 'ready': return browseReady(vhost, queue, showing)
    case 'unacked': return browseUnacked(door, vhost, queue, showing)
    case 'delayed': return browseDelayed(vhost, queue, showing)
    case 'dead': return browseDead(queue, showing)
  }
}

async function browseReady(
  vhost: VHost, queue: Queue, { from, filter, limit, truncate }: Showing,
): Promise<Shown> {
  const { items, next, scanned } = await browseQueue(vhost, queue, { from: parsePlace(from), filter, limit })
  return {
    items: items.map(({ position, entry }) => (
      { position, state: 'ready', ...describeMessage(entry, truncate) })),
    next, scanned,
  }
}

export const browseEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/queues/:vhost/:queue/messages', access: 'management', query: browseQuery,
    doc: 'Messages of a queue, without disturbing them. `state` is `ready` (in the order of delivery), '
      + '`unacked` (held by whom, since when), `delayed` (by due time) or `dead` (letters of an '
      + 'at-least-once queue that somebody has still to take: their `reason`, and which queues they wait '
      + 'for, null when they lead nowhere or were not tried yet). `from` is a position or the `next` of the '
      + 'page before, for `delayed` only the latter; `limit` is 50, at most '
      + `${LIMIT_MAX}; \`truncate\` cuts bodies. Answers \`items\`, \`next\` (null at the end) and how `
      + 'many were `scanned`. A page may hold less than `limit` and yet not be the last. '
      + FILTER_DOC,
    async handle({ door, user, vhost, params, query }) {
      checkEntry(door.broker, user, vhost).access.check('read', 'queue', params.queue)
      return json(await browse(door, vhost, queueNamed(vhost, params.queue), query))
    },
  }),
]
