// A vhost read back from its store: exchanges, queues and bindings from their records, and how many messages
// each queue has. The messages themselves are read when somebody wants them (queues/paged-ready.ts).
import type { Log } from '../base/log.ts'
import { Exchange } from '../exchanges/exchange.ts'
import { exchangeTypes } from '../exchanges/index.ts'
import { keysNumber } from '../queues/deduplication.ts'
import { heldNumber } from '../queues/held.ts'
import { Queue } from '../queues/queue.ts'
import type { Definition, LevelStart, Recovered } from '../store/store.ts'
import { restoreBinding } from './bindings.ts'
import {
  DefinitionUnreadable, readBinding, readExchange, readPolicy, readQueue, readRedriveJob, readWebhook,
} from './definitions.ts'
import { deduplicationOf, equipExchange } from './exchange-deduplication.ts'
import { applyPolicies } from './policy-changes.ts'
import { addQueue } from './queue-declarations.ts'
import type { VHost } from './vhost.ts'

/**
 * Returns the highest number that a queue, or the keys of an owner, have or had in the store. Errors:
 * DefinitionUnreadable.
 */
export function restoreTopology(vhost: VHost, recovered: Recovered, log: Log): number {
  const of = (kind: string): Definition[] => recovered.definitions.filter((d) => d.kind === kind)
  for (const kind of ['policy', 'operator-policy'] as const) {
    for (const definition of of(kind)) {
      vhost.policies.put(kind, { name: definition.name, ...readPolicy(definition) })
    }
  }
  let lastQueueId = 0
  for (const definition of of('exchange')) {
    lastQueueId = Math.max(lastQueueId, restoreExchange(vhost, definition))
  }
  for (const definition of of('queue')) {
    const { id, autoDelete, isPaused, keysId, arguments: args } = readQueue(definition)
    const flags = { isDurable: true, isAutoDelete: autoDelete }
    const queue = new Queue(id, definition.name, flags, null, args, vhost.queueParts, keysId)
    queue.consumers.isPaused = isPaused
    addQueue(vhost, queue)
    lastQueueId = Math.max(lastQueueId, id, keysId)
  }
  for (const definition of of('binding')) {
    const { arguments: args, ...binding } = readBinding(definition)
    if (!restoreBinding(vhost, { ...binding, args })) {
      log.warn({ vhost: vhost.name, exchange: binding.source, queue: binding.destination },
        'a stored binding leads from or to nothing that exists: left out')
    }
  }
  for (const definition of of('webhook')) vhost.webhooks.set(definition.name, readWebhook(definition))
  restoreMessages(vhost, recovered)
  applyPolicies(vhost)
  const jobs = of('redrive-job').map((definition) => ({ id: Number(definition.name), definition }))
  for (const { id, definition } of jobs.toSorted((a, b) => a.id - b.id)) {
    vhost.redrives.restore(id, readRedriveJob(definition))
  }
  for (const totals of recovered.queues) lastQueueId = Math.max(lastQueueId, Math.abs(totals.queue))
  return lastQueueId
}

function restoreMessages(vhost: VHost, { queues, levels, lastId, suspectTo }: Recovered): void {
  const totals = new Map(queues.map((each) => [each.queue, each]))
  const levelsOf = new Map<number, LevelStart[]>()
  for (const each of levels) {
    const ofQueue = levelsOf.get(each.queue)
    if (ofQueue === undefined) levelsOf.set(each.queue, [each])
    else ofQueue.push(each)
  }
  for (const queue of vhost.queues.values()) {
    const stored = totals.get(queue.id)
    if (stored !== undefined) {
      queue.restore({ ...stored, lastId, levels: levelsOf.get(queue.id) ?? [] }, suspectTo)
    }
    const held = totals.get(heldNumber(queue.id))
    if (held !== undefined) queue.held.restore(held.count, held.bytes, suspectTo)
  }
}

/**
 * Reads back the keys that queues and exchanges had stored. `then` is called, at once or later, when all of
 * them are known: until then nobody may publish.
 */
export function restoreKeys(vhost: VHost, { queues }: Recovered, then: () => void): void {
  const stored = new Set(queues.map(({ queue }) => queue))
  const all = [
    ...[...vhost.queues.values()].map(({ deduplication }) => deduplication),
    ...[...vhost.exchanges.values()].map(deduplicationOf),
  ].filter((each) => each !== null && stored.has(keysNumber(each.keysId)))
  let missing = all.length
  if (missing === 0) return then()
  for (const each of all) {
    each!.restore(() => {
      missing--
      if (missing === 0) then()
    })
  }
}

/** Returns the number of its keys. */
function restoreExchange(vhost: VHost, definition: Definition): number {
  const { type: typeName, autoDelete, internal, keysId, arguments: args } = readExchange(definition)
  const type = exchangeTypes.get(typeName)
  if (type === undefined) {
    throw new DefinitionUnreadable(
      `the stored exchange '${definition.name}' is of unknown type '${typeName}'`)
  }
  const flags = { isDurable: true, isAutoDelete: autoDelete, isInternal: internal }
  const exchange = new Exchange(definition.name, type, flags, args, vhost.random)
  equipExchange(exchange, vhost.queueParts, () => keysId)
  vhost.exchanges.set(definition.name, exchange)
  return keysId
}
