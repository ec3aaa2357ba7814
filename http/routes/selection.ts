// /api/v1/queues/VHOST/QUEUE/messages, changed one by one or by a filter: deleting what is ready, and sending
// one message on with other properties or another body. What a consumer holds is its consumer's.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { VHost } from '../../broker/vhost.ts'
import { compileFilter } from '../../dlq/message-filter.ts'
import { Redrive } from '../../dlq/redrive.ts'
import { FIRST } from '../../queues/browser.ts'
import type { BrowsedPage, Place } from '../../queues/browser.ts'
import { Entry } from '../../queues/entry.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry, readableQueue } from '../access.ts'
import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { cursorOf, findOnce, lookOnce, parsePlace } from '../browsing.ts'
import { describeMessage } from '../describe-message.ts'
import { whenBatchStored } from '../durability.ts'
import { editedMessage } from '../edited-message.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, HttpError, noSuchObject } from '../errors.ts'
import { FILTER_DOC, readFilter } from '../filter-query.ts'
import { text } from '../schemas.ts'
import { destination } from './redrive.ts'

const IDS_MAX = 1_000
/** Deleted in one turn. */
const PAGE_MESSAGES = 500
/** Of one request; it says where to go on. */
const DELETE_MS = 500

const editBody = z.strictObject({
  to: destination.default({ kind: 'died' }),
  history: z.enum(['keep', 'strip'], { error: 'history must be "keep" or "strip"' }).default('keep'),
  properties: z.record(z.string(), z.unknown(), { error: 'not_an_object' }).default({}),
  payload: text.optional(),
  payload_encoding: z.enum(['string', 'base64'], { error: 'payload_encoding must be "string" or "base64"' })
    .default('string'),
})

function parseIds(given: string): number[] {
  const ids = given.split(',').map(Number)
  if (ids.length <= IDS_MAX && ids.every((id) => Number.isSafeInteger(id) && id > 0)) return ids
  throw badRequest(`ids must be up to ${IDS_MAX} numbers with commas between`)
}

/** Looks with `look` from place to place and drops what it shows. */
async function deleteAll(
  vhost: VHost, queue: Queue, start: Place, look: (from: Place) => Promise<BrowsedPage>,
): Promise<Answer> {
  const untilMs = performance.now() + DELETE_MS
  const { turn } = vhost.queueParts
  let from: Place | null = start
  let [deleted, scanned, batch] = [0, 0, 0]
  while (from !== null && performance.now() < untilMs && !queue.isDeleted) {
    const page: BrowsedPage = await look(from)
    turn.begin()
    // Too much went meanwhile to know what of it is there still: looked at again.
    if (!queue.ready.canExtract(page.seenBatch)) continue
    for (const entry of queue.ready.extract(page.items.map(({ entry }) => entry), page.seenBatch)) {
      if (entry.isStored) batch = vhost.store.openBatch
      queue.forget(entry)
      deleted++
    }
    scanned += page.scanned
    from = page.next
    turn.pump(queue)
    await nextTurn()
  }
  await whenBatchStored(vhost, batch)
  return json({ deleted, scanned, next: from === null ? null : cursorOf(from) })
}

async function findEntry(vhost: VHost, queue: Queue, given: string): Promise<[Entry, number]> {
  const id = /^\d{1,15}$/.test(given) ? Number(given) : 0
  const { items: [found], seenBatch } = await findOnce(vhost, queue, [id], FIRST, 1)
  if (found === undefined) throw noSuchObject()
  return [found.entry, seenBatch]
}

const stays: Readonly<Record<string, string>> = {
  'no-history': 'the message has not died: `to` must say where it is to go',
  'unroutable': 'nothing is bound there: the message would be lost',
}

export const selectionEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/queues/:vhost/:queue/messages/:id', access: 'management',
    doc: 'One ready message by its `id`, with its whole body.',
    async handle({ door: { broker }, user, vhost, params }) {
      const queue = readableQueue(vhost, checkEntry(broker, user, vhost), params.queue)
      const [entry] = await findEntry(vhost, queue, params.id)
      return json({ state: 'ready', ...describeMessage(entry, Infinity) })
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/v1/queues/:vhost/:queue/messages', access: 'management',
    query: z.looseObject({ ids: z.string().optional(), from: z.string().optional() }),
    doc: 'Deletes ready messages: those of `ids` (up to 1,000 numbers with commas between) or those that a '
      + 'filter lets through, one of which must be given. Answers how many were `deleted`; a request works '
      + `for half a second, and \`next\` is where to go on (\`from\`). ${FILTER_DOC}`,
    async handle({ door: { broker }, user, vhost, params, query }) {
      const queue = readableQueue(vhost, checkEntry(broker, user, vhost), params.queue)
      const spec = readFilter(query, ['ids', 'from'])
      const isFiltered = Object.keys(spec).length > 0
      if (isFiltered === (query.ids !== undefined)) throw badRequest('either ids or a filter must be given')
      const from = parsePlace(query.from)
      if (query.ids === undefined) {
        const filter = compileFilter(spec)
        return deleteAll(vhost, queue, from, (place) => (
          lookOnce(vhost, queue, { from: place, filter, limit: PAGE_MESSAGES })))
      }
      const ids = parseIds(query.ids)
      return deleteAll(vhost, queue, from, (place) => findOnce(vhost, queue, ids, place, PAGE_MESSAGES))
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/queues/:vhost/:queue/messages/:id/requeue', access: 'management',
    body: editBody,
    doc: 'Sends one ready message on, edited or not: `properties` replaces those that are named and keeps '
      + 'the others, as `properties.headers` does with headers (null removes one); `payload`, in '
      + '`payload_encoding` `string` or `base64`, replaces the body; `to` and `history` are as for a '
      + 'redrive. It leaves the queue in the moment in which it is put where it goes.',
    async handle({ door: { broker }, user, vhost, params, body }) {
      const caller = checkEntry(broker, user, vhost)
      const queue = readableQueue(vhost, caller, params.queue)
      const [entry, seenBatch] = await findEntry(vhost, queue, params.id)
      broker.turn.begin()
      const message = editedMessage(entry.message, body, broker.limits.messageSizeMax)
      const redrive = new Redrive(vhost, broker.clock)
      const edited = new Entry(entry.id, message, entry.queue, entry.expiresAtMs)
      const mayWrite = (exchange: string): boolean => {
        caller.access.check('write', 'exchange', exchange)
        return true
      }
      const keepsHistory = body.history === 'keep'
      const passage = redrive.plan(edited, { destination: body.to, keepsHistory, mayWrite })
      if (typeof passage === 'string') throw badRequest(stays[passage] ?? passage)
      if (!redrive.isWelcome(passage)) throw new HttpError(409, 'conflict', 'the queue there is full')
      const [taken] = queue.ready.extract([entry], seenBatch)
      if (taken === undefined) throw noSuchObject()
      const { queues } = passage.route
      const isStored = taken.isStored || queues.some((each) => each.stores(passage.message))
      const batch = isStored ? vhost.store.openBatch : 0
      redrive.move(queue, taken, passage)
      broker.turn.pump(queue)
      await whenBatchStored(vhost, batch)
      return json({ queues: queues.map(({ name }) => name) })
    },
  }),
]
