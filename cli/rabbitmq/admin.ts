// rabbitmqadmin as it was up to RabbitMQ 4.2: `rabbitmqadmin [options] VERB THING key=value …`. Called by
// run.ts for a program of that name. A row per thing says which keys it has and where it lies. Invariant:
// errors are one line after `*** ` on stderr with exit code 1, a wrong use too, as there.

import { BrokerClient, Refused } from '../broker-client.ts'
import { CommandFailed } from '../command-failed.ts'
import type { Settings } from '../../broker/config.ts'
import type { Surroundings } from '../surroundings.ts'
import { adminFormats, formatAdminRows } from './admin-formats.ts'
import type { AdminFormat, AdminRow } from './admin-formats.ts'
import { adminThings, listedColumns, listedThings } from './admin-things.ts'
import type { AdminThing } from './admin-things.ts'

/** Ends the tool. */
export class AdminFailed extends Error {
  override name = 'AdminFailed'
}

export interface AdminCall {
  readonly broker: BrokerClient
  readonly surroundings: Surroundings
  /** Null: none was named. */
  readonly vhost: string | null
  readonly format: AdminFormat
  readonly isQuiet: boolean
  readonly sort: string | null
  readonly isReversed: boolean
  readonly words: readonly string[]
}

const valued: Readonly<Record<string, string>> = {
  H: 'host', P: 'port', u: 'username', p: 'password', V: 'vhost', f: 'format', S: 'sort', d: 'depth',
    c: 'config',
  N: 'node', U: 'base-uri', t: 'request-timeout',
}
const flags: Readonly<Record<string, string>> = { q: 'quiet', R: 'sort-reverse', s: 'ssl', k: 'ssl-insecure' }

/** `argv` without the program's name. */
export async function runAdmin(
  argv: readonly string[], surroundings: Surroundings, settings: Settings,
): Promise<void> {
  try {
    const { options, words } = readAdminLine(argv)
    await obey(callOf(options, words, surroundings, settings))
    surroundings.exit(0)
  } catch (error) {
    if (!(error instanceof AdminFailed) && !(error instanceof CommandFailed)) throw error
    const isReasoned = error instanceof Refused && error.status !== 401 && error.status !== 404
    surroundings.complain(`*** ${isReasoned ? error.reason : error.message}`)
    surroundings.exit(1)
  }
}

function readAdminLine(argv: readonly string[]): { options: Map<string, string>; words: string[] } {
  const options = new Map<string, string>()
  const words: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    const [, long, inline] = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(argument) ?? []
    const [, letter, attached = ''] = /^-([a-zA-Z])([\s\S]*)$/.exec(argument) ?? []
    const name = long ?? (letter === undefined ? undefined : valued[letter] ?? flags[letter] ?? letter)
    if (name === undefined || words.length > 0 && argument.includes('=')
      && long === undefined) words.push(argument)
    else if (Object.values(flags).includes(name)) options.set(name, '')
    else if (!Object.values(valued).includes(name)) throw new AdminFailed(`no such option: ${argument}`)
    else options.set(name, inline ?? (attached === '' ? argv[++at] ?? '' : attached))
  }
  return { options, words }
}

function callOf(
  options: ReadonlyMap<string, string>, words: readonly string[], surroundings: Surroundings,
    settings: Settings,
): AdminCall {
  const scheme = options.has('ssl') ? 'https' : 'http'
  const known = new URL(settings.url ?? `http://127.0.0.1:${settings.httpPort}`)
  const isNamed = options.has('host') || options.has('port') || options.has('ssl')
  const host = options.get('host') ?? known.hostname
  const url = options.get('base-uri')
    ?? (isNamed ? `${scheme}://${host}:${options.get('port') ?? known.port}` : known.origin)
  const format = adminFormats.find((each) => each === (options.get('format') ?? 'table'))
  if (format === undefined) throw new AdminFailed(`Format ${options.get('format')} not recognised`)
  return {
    broker: new BrokerClient(url, options.get('username') ?? settings.user ?? settings.defaultUser,
      options.get('password') ?? settings.password ?? settings.defaultPass),
    surroundings, words, format, vhost: options.get('vhost') ?? settings.vhost, isQuiet: options.has('quiet'),
    sort: options.get('sort') ?? null, isReversed: options.has('sort-reverse'),
  }
}

async function obey(call: AdminCall): Promise<void> {
  const [verb = '', thing = '', ...rest] = call.words
  switch (verb) {
    case 'list': return list(call, thing, rest)
    case 'show': return show(call, thing, rest)
    case 'declare': case 'delete': case 'close': case 'purge': return change(call, verb, thing, rest)
    case 'publish': return publish(call)
    case 'get': return get(call)
    case 'export': return exportTo(call, thing)
    case 'import': return importFrom(call, thing)
    default: throw new AdminFailed(`Action ${verb} not understood: list, show, declare, delete, close, `
      + 'purge, publish, get, export or import')
  }
}

async function list(call: AdminCall, thing: string, columns: readonly string[]): Promise<void> {
  const listed = listedThings.find(({ name }) => name === thing)
  if (listed === undefined) {
    const names = listedThings.map(({ name }) => name).join(', ')
    throw new AdminFailed(`Don't know how to list ${thing}: ${names}`)
  }
  const path = listed.isInVHost && call.vhost !== null
    ? `${listed.path}/${encodeURIComponent(call.vhost)}` : listed.path
  const isTable = columns.length > 0 || !['raw_json', 'pretty_json', 'long'].includes(call.format)
  const wanted = columns.length > 0 ? columns : listed.columns
  const query = new URLSearchParams({
    ...isTable && wanted.length > 0 && { columns: wanted.join(',') },
    ...call.sort !== null && { sort: call.sort }, ...call.isReversed && { sort_reverse: 'true' },
  })
  const rows = await call.broker.get<AdminRow[]>(`${path}?${query.toString()}`)
  showRows(call, rows, isTable ? wanted : [])
}

async function show(call: AdminCall, thing: string, columns: readonly string[]): Promise<void> {
  if (thing !== 'overview') throw new AdminFailed(`Don't know how to show ${thing}: overview`)
  const overview = await call.broker.get<AdminRow>('/overview')
  showRows(call, [overview], columns.length > 0 ? columns : listedColumns.overview)
}

function showRows(call: AdminCall, rows: readonly AdminRow[], columns: readonly string[]): void {
  call.surroundings.print(formatAdminRows(rows, columns, call.format))
}

/** The `key=value` words. Errors: AdminFailed for a key that the thing does not have, or that is missing. */
function readKeys(words: readonly string[], needed: readonly string[], optional: readonly string[]) {
  const values: Record<string, string> = {}
  for (const word of words) {
    const [, key, value] = /^([^=]*)=([\s\S]*)$/.exec(word) ?? []
    if (key === undefined || value === undefined) {
      throw new AdminFailed(`Argument "${word}" not in the name=value format`)
    }
    if (![...needed, ...optional].includes(key)) throw new AdminFailed(`Argument "${key}" not recognised`)
    values[key] = value
  }
  const missing = needed.find((key) => values[key] === undefined)
  if (missing !== undefined) throw new AdminFailed(`mandatory argument "${missing}" is required`)
  return values
}

function jsonOf(key: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AdminFailed(`Could not parse JSON:\n  ${key}=${text}`)
  }
}

function say(call: AdminCall, line: string): void {
  if (!call.isQuiet) call.surroundings.print(`${line}\n`)
}

type Change = 'declare' | 'delete' | 'close' | 'purge'
const past: Readonly<Record<Change, string>> = {
  declare: 'declared', delete: 'deleted', close: 'closed', purge: 'purged',
}

async function change(call: AdminCall, verb: Change, name: string, words: readonly string[]): Promise<void> {
  const thing = adminThings.find((each) => each.name === name && each[verb] !== undefined)
  const keys = thing?.[verb]
  if (thing === undefined || keys === undefined) throw new AdminFailed(`Don't know how to ${verb} ${name}`)
  const values = readKeys(words, keys.needed, ['vhost', ...keys.optional])
  const path = thing.path({ vhost: call.vhost ?? '/', ...values })
  const uri = verb === 'purge' ? `${path}/contents` : path
  if (verb !== 'declare') await call.broker.delete(uri)
  else if (name === 'binding') await call.broker.post(path, bodyOf(thing, values))
  else await call.broker.put(path, bodyOf(thing, values))
  say(call, `${name} ${past[verb]}`)
}

/** Everything that is not in the path, with the thing's defaults. */
function bodyOf({ json = [], defaults = {} }: AdminThing, values: Readonly<Record<string, string>>): object {
  const body: Record<string, unknown> = { ...defaults }
  for (const [key, value] of Object.entries(values)) body[key] = json.includes(key) ? jsonOf(key, value)
    : value
  const { queue_type: type, arguments: args, ...rest } = body
  if (type === undefined) return body
  return { ...rest, arguments: { ...args as object, 'x-queue-type': type } }
}

async function publish(call: AdminCall): Promise<void> {
  const values = readKeys(call.words.slice(1), ['routing_key'],
    ['vhost', 'exchange', 'payload', 'properties', 'payload_encoding'])
  const exchange = values['exchange'] ?? ''
  const path = `/exchanges/${encodeURIComponent(values['vhost'] ?? call.vhost ?? '/')}/`
    + `${encodeURIComponent(exchange === '' ? 'amq.default' : exchange)}/publish`
  const { routed } = await call.broker.post<{ routed: boolean }>(path, {
    routing_key: values['routing_key'], properties: jsonOf('properties', values['properties'] ?? '{}'),
    payload_encoding: values['payload_encoding'] ?? 'string',
    payload: values['payload'] ?? (await call.surroundings.readInput()).toString('utf8'),
  })
  say(call, routed ? 'Message published' : 'Message published but NOT routed')
}

async function get(call: AdminCall): Promise<void> {
  const values = readKeys(call.words.slice(1), ['queue'],
    ['vhost', 'count', 'ackmode', 'payload_file', 'encoding'])
  const path = `/queues/${encodeURIComponent(values['vhost'] ?? call.vhost ?? '/')}/`
    + `${encodeURIComponent(values['queue']!)}/get`
  const messages = await call.broker.post<(AdminRow & { payload: string })[]>(path, {
    count: values['count'] ?? '1', ackmode: values['ackmode'] ?? 'ack_requeue_true',
    encoding: values['encoding'] ?? 'auto',
  })
  const file = values['payload_file']
  if (file === undefined) return showRows(call, messages, messages.length === 0 ? [] : listedColumns.messages)
  const [first] = messages
  if (first !== undefined) call.surroundings.writeText(file, first.payload)
  say(call, `Payload written to ${file}`)
}

const definitionsPath = ({ vhost }: AdminCall): string =>
  `/definitions${vhost === null ? '' : `/${encodeURIComponent(vhost)}`}`

async function exportTo(call: AdminCall, file: string): Promise<void> {
  if (file === '') throw new AdminFailed('export needs a file')
  call.surroundings.writeText(file, JSON.stringify(await call.broker.get(definitionsPath(call))))
  say(call, `Exported definitions for ${new URL(call.broker.url).hostname} to "${file}"`)
}

async function importFrom(call: AdminCall, file: string): Promise<void> {
  if (file === '') throw new AdminFailed('import needs a file')
  await call.broker.post(definitionsPath(call), jsonOf(file, readFile(call, file)) as object)
  say(call, `Uploaded definitions from ${new URL(call.broker.url).hostname} to "${file}". `
    + 'The import process may take some time. Consult server logs to track progress.')
}

function readFile({ surroundings }: AdminCall, file: string): string {
  try {
    return surroundings.readText(file)
  } catch (error) {
    throw new AdminFailed(`Could not read ${file}: ${String(error)}`)
  }
}
