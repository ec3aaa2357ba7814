// /api/v1/queues/VHOST/QUEUE/messages: looking at messages where they lie. Nothing is handed out, marked as
// redelivered, moved or renewed by it; RabbitMQ has nothing like it.
import { z } from 'zod'
import { connectionName } from '../../broker/connection-view.ts'
import type { VHost } from '../../broker/vhost.ts'
import { compileFilter } from '../../dlq/message-filter.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry } from '../access.ts'
import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { browseQueue, parsePlace } from '../browsing.ts'
import { channelsOf } from '../describe-connection.ts'
import type { PlacedChannel } from '../describe-connection.ts'
import { describeMessage } from '../describe-message.ts'
import { endpoint } from '../endpoint.ts'
import { HttpError } from '../errors.ts'
import { FILTER_DOC, readFilter } from '../filter-query.ts'
import type { Door } from '../node-view.ts'
import { looseInteger } from '../schemas.ts'
import { queueNamed } from './queues.ts'

const LIMIT_MAX = 1_000
/** Of each body, when the query does not say. */
const TRUNCATE = 10_000

const states = ['ready', 'unacked', 'delayed'] as const

const browseQuery = z.looseObject({
  state: z.enum(states, { error: `state must be one of ${states.join(', ')}` }).default('ready'),
  from: z.string().optional(),
  limit: looseInteger.default(50).refine((limit) => limit >= 1 && limit <= LIMIT_MAX,
    { error: `limit must be from 1 to ${LIMIT_MAX}` }),
  truncate: looseInteger.default(TRUNCATE).refine((bytes) => bytes >= 0,
    { error: 'truncate must not be negative' }),
})
type BrowseQuery = z.infer<typeof browseQuery>

async function browseReady(vhost: VHost, queue: Queue, query: BrowseQuery): Promise<Answer> {
  const from = parsePlace(query.from)
  const look = { from, filter: compileFilter(readFilter(query)), limit: query.limit }
  const { items, next, scanned } = await browseQueue(vhost, queue, look)
  return json({
    items: items.map(({ position, entry }) => (
      { position, state: 'ready', ...describeMessage(entry, query.truncate) })),
    next, scanned,
  })
}

/** Connection by connection; `from` counts deliveries. */
function browseUnacked({ broker }: Door, vhost: VHost, queue: Queue, query: BrowseQuery): Answer {
  const from = parsePlace(query.from)
  const first = from.position
  const connections = [...broker.connections].filter((connection) => connection.vhost === vhost)
  const items: object[] = []
  let position = 0
  for (const placed of channelsOf(connections)) {
    for (const { entry, tag, sinceMs } of placed.channel.unacked.deliveries()) {
      if (entry.queue !== queue || position++ < first) continue
      const scanned = position - 1
      if (items.length >= query.limit) return json({ items, next: String(scanned), scanned })
      const held = { ...describeHolder(placed, entry.consumer), delivery_tag: tag,
        since: new Date(sinceMs).toISOString() }
      items.push(
        { position: position - 1, state: 'unacked', ...describeMessage(entry, query.truncate), held })
    }
  }
  return json({ items, next: null, scanned: position })
}

/** `consumer_tag` is null after basic.get, and when the consumer was cancelled since. */
function describeHolder({ connection, channel }: PlacedChannel, holder: object | null): object {
  const consumer = [...channel.consumers.values()].find((each) => (each as object) === holder)
  return {
    connection: connectionName(connection), channel: channel.number, user: channel.user.name,
    consumer_tag: consumer?.tag ?? null,
  }
}

export const browseEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/queues/:vhost/:queue/messages', access: 'management', query: browseQuery,
    doc: 'Messages in the order of delivery, without disturbing them. `state` is `ready` or `unacked` (held '
      + 'by whom, since when); `from` is a position or the `next` of the page before; `limit` is 50, at most '
      + `${LIMIT_MAX}; \`truncate\` cuts bodies. Answers \`items\`, \`next\` (null at the end) and how many `
      + 'were `scanned`. A page may hold less than `limit` and yet not be the last. '
      + `${FILTER_DOC} They are for \`ready\` alone.`,
    handle({ door, user, vhost, params, query }) {
      checkEntry(door.broker, user, vhost).access.check('read', 'queue', params.queue)
      const queue = queueNamed(vhost, params.queue)
      switch (query.state) {
        case 'ready': return browseReady(vhost, queue, query)
        case 'unacked': return browseUnacked(door, vhost, queue, query)
        case 'delayed':
          throw new HttpError(501, 'not_implemented', 'delayed messages cannot be browsed yet')
      }
    },
  }),
]
