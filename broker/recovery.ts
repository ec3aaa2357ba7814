// A vhost read back from its store: exchanges, queues and bindings from their records, then the messages page
// by page. runtime/ fetches the pages, because that waits; taking them in is here.
import type { Log } from '../base/log.ts'
import { Exchange } from '../exchanges/exchange.ts'
import { exchangeTypes } from '../exchanges/index.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { Envelope, Message } from '../queues/message.ts'
import { Queue } from '../queues/queue.ts'
import type { Definition, Recovered, StoredMessage } from '../store/store.ts'
import { restoreBinding } from './bindings.ts'
import { DefinitionUnreadable, readBinding, readExchange, readQueue } from './definitions.ts'
import { addQueue } from './queue-declarations.ts'
import type { VHost } from './vhost.ts'

/** Returns the highest queue id seen. Errors: DefinitionUnreadable. */
export function restoreTopology(vhost: VHost, recovered: Recovered, log: Log): number {
  const of = (kind: string): Definition[] => recovered.definitions.filter((d) => d.kind === kind)
  for (const definition of of('exchange')) restoreExchange(vhost, definition)
  let lastQueueId = 0
  for (const definition of of('queue')) {
    const { id, autoDelete, arguments: args } = readQueue(definition)
    const flags = { isDurable: true, isAutoDelete: autoDelete }
    addQueue(vhost, new Queue(id, definition.name, flags, null, args, vhost.queueParts))
    lastQueueId = Math.max(lastQueueId, id)
  }
  for (const definition of of('binding')) {
    const { arguments: args, ...binding } = readBinding(definition)
    if (!restoreBinding(vhost, { ...binding, args })) {
      log.warn({ vhost: vhost.name, exchange: binding.source, queue: binding.destination },
        'a stored binding leads from or to nothing that exists: left out')
    }
  }
  for (const totals of recovered.queues) lastQueueId = Math.max(lastQueueId, totals.queue)
  return lastQueueId
}

/** After an unclean stop every message may have been handed out before, so each says so (reliability P4). */
export function restoreMessages(queue: Queue, page: readonly StoredMessage[], wasClean: boolean): void {
  const header = new ContentHeader()
  let envelope = envelopeOf('', '')
  for (const stored of page) {
    if (stored.exchange !== envelope.exchange || stored.routingKey !== envelope.routingKey) {
      envelope = envelopeOf(stored.exchange, stored.routingKey)
    }
    const deliveryCount = wasClean ? stored.deliveryCount : stored.deliveryCount + 1
    queue.restore(stored.id, messageOf(stored, envelope, header), stored.expiresAtMs, deliveryCount)
  }
}

function envelopeOf(exchange: string, routingKey: string): Envelope {
  return new Envelope(exchange, routingKey, encodeEnvelope(exchange, routingKey))
}

function messageOf(stored: StoredMessage, envelope: Envelope, header: ContentHeader): Message {
  const { properties, body } = stored
  const buf = Buffer.concat([properties, body])
  header.readProperties(buf, 0, properties.length)
  const message = new Message(envelope, buf, 0, properties.length, properties.length, buf.length, {
    isPersistent: true, expiresAtMs: Infinity, priority: header.priority, isDeadLetter: stored.isDeadLetter,
  })
  message.bodyId = stored.bodyId
  return message
}

function restoreExchange(vhost: VHost, definition: Definition): void {
  const { type: typeName, autoDelete, internal, arguments: args } = readExchange(definition)
  const type = exchangeTypes.get(typeName)
  if (type === undefined) {
    throw new DefinitionUnreadable(
      `the stored exchange '${definition.name}' is of unknown type '${typeName}'`)
  }
  const flags = { isDurable: true, isAutoDelete: autoDelete, isInternal: internal }
  vhost.exchanges.set(definition.name, new Exchange(definition.name, type, flags, args))
}
