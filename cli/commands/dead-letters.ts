// Commands that look into queues without disturbing them, and that bring dead letters back. Called through
// commands.ts.
import { pathOf } from '../broker-client.ts'
import { integerOption, vhostOf } from '../command.ts'
import type { Call, Command, Option, Output } from '../command.ts'
import { factsText, tableOutput } from '../text-table.ts'
import type { Row } from '../text-table.ts'

const SHOWN = 20
const SHOWN_MAX = 1000
const POLL_MS = 500

interface Part {
  readonly next: string | null
}

const messageColumns = ['position', 'exchange', 'routing_key', 'redelivered', 'payload_bytes', 'payload']
const groupColumns = ['queue', 'source', 'reason', 'exception', 'messages', 'bytes']

async function browse(call: Call): Promise<Output> {
  const [queue = ''] = call.operands
  const wanted = integerOption(call, 'count', SHOWN, SHOWN_MAX)
  const path = `/v1/queues${pathOf(vhostOf(call), queue)}/messages`
  const items: Row[] = []
  let from: string | null = ''
  while (from !== null && items.length < wanted) {
    const query: string = new URLSearchParams({
      limit: String(wanted - items.length), ...from !== '' && { from },
    }).toString()
    const part: Part & { items: Row[] } = await call.broker.get(`${path}?${query}`)
    items.push(...part.items)
    from = part.next
  }
  const table = tableOutput(items, messageColumns)
  return { value: items, text: items.length === 0 ? `nothing is ready in queue ${queue}\n` : table.text }
}

/** A large vhost is looked through in several requests, whose counts add up. */
async function listLetters(call: Call): Promise<Output> {
  const groups = new Map<string, Row & { messages: number; bytes: number }>()
  let from: string | null = ''
  while (from !== null) {
    const query: string = from === '' ? '' : `?${new URLSearchParams({ from }).toString()}`
    const part: Part & { groups: (Row & { messages: number; bytes: number })[] } =
      await call.broker.get(`/v1/dead-letters${pathOf(vhostOf(call))}${query}`)
    for (const group of part.groups) {
      const key = JSON.stringify([group['queue'], group['source'], group['reason'], group['exception']])
      const { messages = 0, bytes = 0 } = groups.get(key) ?? {}
      groups.set(key, { ...group, messages: group.messages + messages, bytes: group.bytes + bytes })
    }
    from = part.next
  }
  const rows = [...groups.values()]
  return { value: rows, text: rows.length === 0 ? 'no dead letters\n' : tableOutput(rows, groupColumns).text }
}

interface Job extends Row {
  readonly id: string | number
  readonly state: string
}

async function redrive(call: Call): Promise<Output> {
  const { broker, operands: [queue = ''], options, surroundings } = call
  const path = `/v1/dead-letters${pathOf(vhostOf(call), queue)}`
  const order = {
    to: options.get('to') ?? 'died',
    ...options.has('rate') && { rate: integerOption(call, 'rate', 1, 1_000_000) },
  }
  if (options.has('dry-run')) {
    const found = await broker.post<Row>(`${path}/redrive`, { ...order, dry_run: true })
    return { value: found, text: factsText(found) }
  }
  let job = await broker.post<Job>(`${path}/redrive`, order)
  while (job.state === 'running') {
    await surroundings.sleep(POLL_MS)
    job = await broker.get<Job>(`${path}/jobs/${job.id}`)
  }
  const text = tableOutput([job], ['id', 'state', 'scanned', 'moved', 'stayed']).text
  return { value: job, text, exit: job.state === 'done' ? 'ok' : 'notSo' }
}

const count: Option = { name: 'count', value: 'N', doc: `that many at most; ${SHOWN} without it` }

export const deadLetterCommands: readonly Command[] = [
  {
    words: 'browse', operands: 'QUEUE', options: [count], run: browse,
    doc: 'Shows messages in the order of delivery, without taking them or marking them as delivered.',
  },
  {
    words: 'dlq list', operands: '', options: [], run: listLetters,
    doc: 'Dead letters by the queue they lie in, where they died, why, and with which exception.',
  },
  {
    words: 'dlq show', operands: 'QUEUE', options: [count], run: browse, doc: 'The same as `browse`.',
  },
  {
    words: 'dlq redrive', operands: 'QUEUE',
    options: [
      { name: 'to', value: 'WHERE', doc: '`died`, the queue of the latest death, or `origin`, its exchange' },
      { name: 'rate', value: 'N', doc: 'messages a second at most' },
      { name: 'dry-run', value: null, doc: 'only counts' },
    ],
    doc: 'Moves dead letters back, and waits until that is done.', run: redrive,
  },
]
