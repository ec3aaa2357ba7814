// The webhooks of a vhost, as records: said, taken back, gone with their queue. Called by http/webhooks/,
// which pushes, and where a queue is deleted. Invariant: a record names a queue that is there; that of a
// durable queue is on disk.
import type { Queue } from '../queues/queue.ts'
import { removal, webhookDefinition } from './definitions.ts'
import type { VHost } from './vhost.ts'
import type { WebhookRecord } from './webhook-record.ts'

/** Returns true when there was none of this name. */
export function putWebhook(vhost: VHost, name: string, record: WebhookRecord): boolean {
  const isNew = !vhost.webhooks.has(name)
  vhost.webhooks.set(name, record)
  const isDurable = vhost.findQueue(record.queue)?.flags.isDurable === true
  vhost.records.define(isDurable ? webhookDefinition(name, record) : removal('webhook', name))
  return isNew
}

/** Returns false when there is none of this name. */
export function deleteWebhook(vhost: VHost, name: string): boolean {
  if (!vhost.webhooks.delete(name)) return false
  vhost.records.define(removal('webhook', name))
  return true
}

/** The queue is about to go. */
export function deleteWebhooksOf(vhost: VHost, queue: Queue): void {
  for (const [name, record] of [...vhost.webhooks]) {
    if (record.queue === queue.name) deleteWebhook(vhost, name)
  }
}
