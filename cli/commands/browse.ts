// Looking into queues without disturbing them, and the filter that commands about messages share. Called
// through commands.ts, and by dead-letters.ts and letter-files.ts.
import { pathOf } from '../broker-client.ts'
import { integerOption, jsonObject, vhostOf } from '../command.ts'
import type { Call, Command, Option, Output } from '../command.ts'
import { usageError } from '../command-failed.ts'
import { tableOutput } from '../text-table.ts'
import type { Row } from '../text-table.ts'

const SHOWN = 20
const SHOWN_MAX = 1000

/** What a request that had not the time for all of it answers. */
export interface Part {
  readonly next: string | null
}

/** By state. */
const columnsOf: Readonly<Record<string, readonly string[]>> = {
  ready: ['position', 'exchange', 'routing_key', 'redelivered', 'payload_bytes', 'payload'],
  unacked: ['id', 'held.user', 'held.consumer_tag', 'held.since', 'routing_key', 'payload_bytes', 'payload'],
  delayed: ['id', 'due_at', 'exchange', 'routing_key', 'payload_bytes', 'payload'],
  dead: ['position', 'reason', 'waits_for', 'routing_key', 'payload_bytes', 'payload'],
}

export const count: Option = { name: 'count', value: 'N', doc: `that many at most; ${SHOWN} without it` }
export const filter: Option = {
  name: 'filter', value: 'JSON', doc: 'as `{"death_reason":"expired","headers":{"shop":"a"},"body":"x"}`: '
    + 'the filters of the HTTP API',
}

export function messagesPath(call: Call, queue: string): string {
  return `/v1/queues${pathOf(vhostOf(call), queue)}/messages`
}

/** `--filter` as the query has it: `header.NAME` and `property.NAME` beside plain fields. */
export function filterQuery(call: Call): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, value] of Object.entries(jsonObject('--filter', call.options.get('filter')))) {
    if (name !== 'headers' && name !== 'properties') query[name] = String(value)
    else for (const [key, wanted] of Object.entries(Object(value) as object)) {
      query[`${name === 'headers' ? 'header' : 'property'}.${key}`] = String(wanted)
    }
  }
  return query
}

/** Up to `--count` messages of a queue; a request may find less than there are. */
export async function look(call: Call, queue: string, state: string): Promise<Row[]> {
  const wanted = integerOption(call, 'count', SHOWN, SHOWN_MAX)
  const items: Row[] = []
  let from: string | null = ''
  while (from !== null && items.length < wanted) {
    const query: string = new URLSearchParams({
      ...filterQuery(call), state, limit: String(wanted - items.length), ...from !== '' && { from },
    }).toString()
    const part: Part & { items: Row[] } = await call.broker.get(`${messagesPath(call, queue)}?${query}`)
    items.push(...part.items)
    from = part.next
  }
  return items
}

async function browse(call: Call): Promise<Output> {
  const [queue = ''] = call.operands
  const state = call.options.get('state') ?? 'ready'
  const columns = columnsOf[state]
  if (columns === undefined) {
    throw usageError(`--state: ${JSON.stringify(state)} is none of ${Object.keys(columnsOf).join(', ')}`)
  }
  const items = await look(call, queue, state)
  const nothing = `nothing is ${state} in queue ${queue}\n`
  return { value: items, text: items.length === 0 ? nothing : tableOutput(items, columns).text }
}

export const browseCommands: readonly Command[] = [
  {
    words: 'browse', operands: 'QUEUE',
    options: [
      count, filter,
      { name: 'state', value: 'STATE', doc: '`unacked`, `delayed`, or `dead` for letters that an '
        + 'at-least-once queue keeps; `ready` without it' },
    ],
    doc: 'Shows messages in the order of delivery, without taking them or marking them as delivered.',
    run: browse,
  },
]
