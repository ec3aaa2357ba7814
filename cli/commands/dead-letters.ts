// Commands about dead letters: what there is, and bringing it back, away, or elsewhere. Called through
// commands.ts.
import { pathOf } from '../broker-client.ts'
import { integerOption, jsonObject, vhostOf } from '../command.ts'
import type { Call, Command, Output } from '../command.ts'
import { usageError } from '../command-failed.ts'
import { factsText, tableOutput } from '../text-table.ts'
import type { Row } from '../text-table.ts'
import { count, filter, filterQuery, look, messagesPath } from './browse.ts'
import type { Part } from './browse.ts'
import { exportLetters, importLetters } from './letter-files.ts'

/** In one request. */
const IDS_MAX = 1_000
const POLL_MS = 500

const letterColumns = [
  'id', 'death.queue', 'death.reason', 'death.count', 'death.time', 'routing_key', 'payload_bytes', 'payload',
]
const groupColumns = ['queue', 'source', 'reason', 'exception', 'messages', 'bytes']

/** One message whole, or the first of them in a table. */
async function showLetters(call: Call): Promise<Output> {
  const [queue = '', id] = call.operands
  if (id !== undefined) {
    const letter = await call.broker.get<Row>(`${messagesPath(call, queue)}${pathOf(id)}`)
    return { value: letter, text: factsText(letter) }
  }
  const items = await look(call, queue, 'ready')
  const nothing = `nothing is ready in queue ${queue}\n`
  return { value: items, text: items.length === 0 ? nothing : tableOutput(items, letterColumns).text }
}

async function deleteLetters(call: Call): Promise<Output> {
  const { broker, operands: [queue = '', ...ids] } = call
  const wanted = filterQuery(call)
  if ((ids.length === 0) === (Object.keys(wanted).length === 0)) {
    throw usageError('give the ids of messages, as `dlq show` has them, or --filter; `purge` drops all')
  }
  let deleted = 0
  for (const query of ids.length === 0 ? [wanted] : idQueries(ids)) {
    for (let from: string | null = ''; from !== null;) {
      const all: string = new URLSearchParams({ ...query, ...from !== '' && { from } }).toString()
      const part: Part & { deleted: number } = await broker.delete(`${messagesPath(call, queue)}?${all}`)
      deleted += part.deleted
      from = part.next
    }
  }
  return { value: { deleted }, text: `${deleted} messages deleted from queue ${queue}\n` }
}

function* idQueries(ids: readonly string[]): Generator<{ readonly ids: string }> {
  for (let at = 0; at < ids.length; at += IDS_MAX) yield { ids: ids.slice(at, at + IDS_MAX).join(',') }
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
    ...options.has('filter') && { filter: jsonObject('--filter', options.get('filter')) },
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

export const deadLetterCommands: readonly Command[] = [
  {
    words: 'dlq list', operands: '', options: [], run: listLetters,
    doc: 'Dead letters by the queue they lie in, where they died, why, and with which exception.',
  },
  {
    words: 'dlq show', operands: 'QUEUE [ID]', options: [count, filter], run: showLetters,
    doc: 'Messages of a queue with what they died of, without taking them; with ID that one, whole.',
  },
  {
    words: 'dlq delete', operands: 'QUEUE [ID…]', options: [filter], run: deleteLetters,
    doc: 'Deletes messages from a queue: those of the IDs, which `dlq show` has, or those of a filter.',
  },
  {
    words: 'dlq export', operands: 'QUEUE [FILE]', options: [filter], run: exportLetters,
    doc: 'Writes the messages of a queue to FILE, or to stdout, as lines of JSON with their history. They '
      + 'stay where they are.',
  },
  {
    words: 'dlq import', operands: 'QUEUE [FILE]', options: [], run: importLetters,
    doc: 'Puts what `dlq export` has written, from FILE or from stdin, into a queue, at its end. Ends with 1 '
      + 'when the queue is full.',
  },
  {
    words: 'dlq redrive', operands: 'QUEUE',
    options: [
      filter,
      { name: 'to', value: 'WHERE', doc: '`died`, the queue of the latest death, or `origin`, its exchange' },
      { name: 'rate', value: 'N', doc: 'messages a second at most' },
      { name: 'dry-run', value: null, doc: 'only counts' },
    ],
    doc: 'Moves dead letters back, and waits until that is done.', run: redrive,
  },
]
