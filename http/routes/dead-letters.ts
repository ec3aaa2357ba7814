// GET /api/v1/dead-letters/VHOST: the dead letters of all queues, grouped by where they lie, where they died,
// of what, and with which exception. What a page did not reach goes on with `next`; groups are added up then.
import { z } from 'zod'
import type { VHost } from '../../broker/vhost.ts'
import { deathsOf } from '../../dlq/death-view.ts'
import { exceptionOf } from '../../dlq/exception.ts'
import { compileFilter } from '../../dlq/message-filter.ts'
import { ContentHeader } from '../../protocol/content-header.ts'
import type { MessageFilter } from '../../queues/browser.ts'
import type { Entry } from '../../queues/entry.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry } from '../access.ts'
import { json } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { cursorOf, lookOnce, parsePlace } from '../browsing.ts'
import { endpoint } from '../endpoint.ts'
import { FILTER_DOC, readFilter } from '../filter-query.ts'
import { inSlices } from '../slices.ts'

/** Of one request; it says where to go on. */
const OVERVIEW_MS = 250
const PAGE_MESSAGES = 500

interface Group {
  readonly queue: string
  readonly source: string
  readonly reason: string
  readonly exception: string | null
  messages: number
  bytes: number
  oldestS: number
  newestS: number
}

class Overview {
  private readonly groups = new Map<string, Group>()
  private readonly header = new ContentHeader()

  add(queue: string, { message }: Entry): void {
    const { header, groups } = this
    header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
    const headers = header.decodeHeaders()
    const [death] = deathsOf(headers, message.isDeadLetter)
    if (death === undefined) return
    const { queue: source, reason, timeS } = death
    const exception = exceptionOf(headers)
    const key = JSON.stringify([queue, source, reason, exception])
    let group = groups.get(key)
    if (group === undefined) {
      group = { queue, source, reason, exception, messages: 0, bytes: 0, oldestS: timeS, newestS: timeS }
      groups.set(key, group)
    }
    group.messages++
    group.bytes += message.bodyBytes
    group.oldestS = Math.min(group.oldestS, timeS)
    group.newestS = Math.max(group.newestS, timeS)
  }

  /** The largest first. */
  describe(): object[] {
    return [...this.groups.values()].toSorted((a, b) => b.messages - a.messages)
      .map(({ oldestS, newestS, ...group }) => (
        { ...group, oldest: dateOf(oldestS), newest: dateOf(newestS) }))
  }
}

function dateOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

/** Queues by name from the one that the cursor names: `PLACE@QUEUE`. */
async function survey(
  vhost: VHost, queues: readonly Queue[], filter: MessageFilter, cursor: string,
): Promise<Answer> {
  const untilMs = performance.now() + OVERVIEW_MS
  const at = cursor.indexOf('@')
  const [place, first] = at < 0 ? ['', ''] : [cursor.slice(0, at), cursor.slice(at + 1)]
  const overview = new Overview()
  let scanned = 0
  for (const queue of queues) {
    if (queue.name < first) continue
    let from = parsePlace(queue.name === first ? place : '')
    for (;;) {
      const page = await lookOnce(vhost, queue, { from, filter, limit: PAGE_MESSAGES })
      await inSlices(page.items, ({ entry }) => overview.add(queue.name, entry))
      scanned += page.scanned
      if (page.next === null) break
      from = page.next
      if (performance.now() > untilMs) {
        return json({ groups: overview.describe(), scanned, next: `${cursorOf(from)}@${queue.name}` })
      }
    }
  }
  return json({ groups: overview.describe(), scanned, next: null })
}

export const deadLetterEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/dead-letters/:vhost', access: 'management',
    query: z.looseObject({ from: z.string().default(''), queue: z.string().optional() }),
    doc: 'Dead letters that are ready in queues which the user may read, as `groups`: the `queue` they lie '
      + 'in, the `source` they died in last, the `reason`, the `exception` (first line of the first of '
      + '`x-exception-message`, `x-exception-type` and others), how many `messages` and `bytes`, `oldest` '
      + 'and `newest` death. A request looks for a quarter of a second; when `next` is not null, the same '
      + `with \`from\` goes on, and counts add up. \`queue\` is for one queue alone. ${FILTER_DOC}`,
    handle({ door: { broker }, user, vhost, query }) {
      const { access } = checkEntry(broker, user, vhost)
      const queues = [...vhost.queues.values()].filter(({ name, owner }) => owner === null
        && (query.queue ?? name) === name && access.may('read', name))
      const filter = compileFilter(readFilter(query, ['queue', 'from']))
      const ofLetters = { ...filter, stored: { ...filter.stored, isDeadLetter: true } }
      const inOrder = queues.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      return survey(vhost, inOrder, ofLetters, query.from)
    },
  }),
]
