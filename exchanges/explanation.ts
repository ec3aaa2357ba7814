// Why a message would go where it goes: the walk of route.ts with every binding looked at by itself. Called
// by the HTTP door. Each exchange is asked through a router made for this question, with stand-ins for its
// destinations: the real ones carry marks of real routings, which an explanation must not touch.
import type { Random } from '../base/random.ts'
import type { FieldTable } from '../protocol/table.ts'
import { Binding } from './binding.ts'
import type { Destination } from './binding.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderSource } from './exchange-type.ts'
import { RouteSet } from './route-set.ts'

export interface ExplainedBinding {
  readonly destination: Pick<Destination, 'kind' | 'name'>
  readonly routingKey: string
  readonly args: FieldTable
  readonly isMatch: boolean
  readonly why: string
}

export interface ExplainedExchange {
  readonly exchange: Exchange
  /** How the message comes here. */
  readonly from: { readonly exchange: Exchange; readonly by: 'binding' | 'alternate' } | null
  readonly bindings: readonly ExplainedBinding[]
  /** Where it goes when no binding matches; null: nowhere, or it did match. */
  readonly alternate: { readonly name: string; readonly isThere: boolean } | null
}

export interface Explanation {
  readonly exchanges: readonly ExplainedExchange[]
  /** By name, each once. */
  readonly queues: readonly string[]
}

export interface Question {
  /** The message's own key, then CC's and BCC's. */
  readonly keys: readonly string[]
  readonly headers: HeaderSource
  readonly random: Random
  findExchange(name: string): Exchange | null
  hasQueue(name: string): boolean
}

export function explainRoute(start: Exchange, question: Question): Explanation {
  const found = new Map<Exchange, ExplainedExchange['from']>([[start, null]])
  const queues = new Set<string>()
  const exchanges: ExplainedExchange[] = []
  for (const [exchange, from] of found) { // grows while it is walked
    const bindings = exchange.name === '' ? ofDefault(question) : explainBindings(exchange, question)
    const matches = bindings.filter(({ isMatch }) => isMatch)
    for (const { destination: { kind, name } } of matches) {
      if (kind === 'queue') queues.add(name)
      else reach(question.findExchange(name), { exchange, by: 'binding' }, found)
    }
    const alternate = matches.length > 0 ? null : alternateOf(exchange, question)
    if (alternate?.isThere === true) {
      reach(question.findExchange(alternate.name), { exchange, by: 'alternate' }, found)
    }
    exchanges.push({ exchange, from, bindings, alternate })
  }
  return { exchanges, queues: [...queues] }
}

function reach(
  exchange: Exchange | null, from: ExplainedExchange['from'],
  found: Map<Exchange, ExplainedExchange['from']>,
): void {
  if (exchange !== null && !found.has(exchange)) found.set(exchange, from)
}

/** As RouteFinder: the default exchange as an alternate routes nothing. */
function alternateOf(exchange: Exchange, question: Question): ExplainedExchange['alternate'] {
  const { alternateName: name } = exchange
  if (name === null || name === '') return null
  return { name, isThere: question.findExchange(name) !== null }
}

/** Every queue is bound to the default exchange by its name, and nothing else is. */
function ofDefault({ keys, hasQueue }: Question): ExplainedBinding[] {
  return keys.map((key) => ({
    destination: { kind: 'queue', name: key }, routingKey: key, args: new Map(), isMatch: hasQueue(key),
    why: hasQueue(key) ? 'the routing key is the name of the queue' : `there is no queue '${key}'`,
  }))
}

function explainBindings(exchange: Exchange, question: Question): ExplainedBinding[] {
  const { keys, headers } = question
  const { type, args, router: real } = exchange
  const router = type.createRouter(args, question.random)
  const standIns = new Map<Binding, Destination>()
  const byDestination = new Map<Destination, Destination>()
  for (const binding of exchange.bindings.values()) {
    const { kind, name } = binding.destination
    // One that chooses weighs destinations; the others are asked about each binding.
    const known = real.takesEveryKey ? undefined : byDestination.get(binding.destination)
    const standIn = known ?? { kind, name, routeMark: 0 }
    byDestination.set(binding.destination, standIn)
    standIns.set(binding, standIn)
    router.bind(new Binding(exchange.name, standIn, binding.routingKey, binding.args, false))
  }
  const reached = new RouteSet()
  reached.begin()
  for (const key of real.takesEveryKey ? keys : keys.slice(0, 1)) router.route(key, headers, reached)
  const hit = new Set([...reached.queues, ...reached.exchanges])
  return [...standIns].map(([{ destination, routingKey, args: given }, standIn]) => {
    const isMatch = hit.has(standIn)
    const why = (reasons.get(type.name) ?? chosen)(isMatch, routingKey, given, exchange, question)
    return { destination, routingKey, args: given, isMatch, why }
  })
}

type Reason = (
  isMatch: boolean, bindingKey: string, args: FieldTable, exchange: Exchange, question: Question,
) => string

const shown = (keys: readonly string[]): string => keys.map((key) => `'${key}'`).join(', ')

const chosen: Reason = (isMatch) => (isMatch
  ? 'the exchange chose this destination' : 'the exchange chose another destination')

const reasons: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['fanout', () => 'a fanout exchange takes every key'],
  ['x-recent-history', () => 'the exchange takes every key'],
  ['x-message-deduplication', () => 'the exchange takes every key, and a message once'],
  ['direct', (isMatch, bindingKey, _args, _exchange, { keys }) =>
    `${shown(keys)} ${isMatch ? 'is' : 'is not'} '${bindingKey}'`],
  ['topic', (isMatch, bindingKey, _args, _exchange, { keys }) =>
    `${shown(keys)} ${isMatch ? 'fits' : 'does not fit'} '${bindingKey}'`],
  ['headers', (_isMatch, _bindingKey, args, exchange, question) => {
    const match = args.get('x-match')?.value ?? 'all'
    const wanted = [...args].filter(([name]) => name !== 'x-match')
      .filter(([name]) => String(match).endsWith('-with-x') || !name.startsWith('x-'))
    const agreeing = wanted.map(([name, field]): string =>
      `${name} ${agrees(exchange, name, new Map([[name, field]]), question) ? 'agrees' : 'differs'}`)
    return `${String(match)} of ${agreeing.join(', ') || 'nothing'}`
  }],
])

/** Asks a router of this type about one header alone. */
function agrees({ type, args }: Exchange, name: string, wanted: FieldTable, question: Question): boolean {
  const router = type.createRouter(args, question.random)
  const alone = new Map([...wanted, ['x-match', { tag: 'S', value: 'all-with-x' }] as const])
  router.bind(new Binding('', { kind: 'queue', name, routeMark: 0 }, '', alone, false))
  const reached = new RouteSet()
  reached.begin()
  router.route('', question.headers, reached)
  return reached.matches > 0
}
