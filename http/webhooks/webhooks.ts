// All webhooks that run: those on record when the broker starts, and what the HTTP API makes of them later.
// Made by runtime/ and given to the door, because they run whether anybody asks over HTTP or not.
import type { Broker } from '../../broker/broker.ts'
import type { VHost } from '../../broker/vhost.ts'
import type { WebhookRecord } from '../../broker/webhook-record.ts'
import { deleteWebhook, putWebhook } from '../../broker/webhooks.ts'
import type { WebhookKeeper } from '../node-view.ts'
import type { HttpTarget } from './http-target.ts'
import { Webhook } from './webhook.ts'
import type { WebhookCounts, WebhookOwner } from './webhook.ts'

export class Webhooks implements WebhookKeeper, WebhookOwner {
  readonly broker: Broker
  readonly target: HttpTarget
  readonly counts: WebhookCounts = { delivered: 0, failed: 0, inFlight: 0 }
  private readonly running = new Map<VHost, Map<string, Webhook>>()
  private lastNumber = 0

  constructor(broker: Broker, target: HttpTarget) {
    this.broker = broker
    this.target = target
  }

  /** Those on record. */
  start(): void {
    this.broker.turn.begin()
    for (const vhost of this.broker.vhosts.values()) {
      for (const [name, record] of vhost.webhooks) this.run(vhost, name, record)
    }
  }

  /** What the one before it has under way comes to its end, after it: an auto-delete queue is to stay. */
  put(vhost: VHost, name: string, record: WebhookRecord): boolean {
    const before = this.find(vhost, name)
    const isNew = putWebhook(vhost, name, record)
    this.run(vhost, name, record)
    before?.end('the webhook was changed')
    return isNew
  }

  delete(vhost: VHost, name: string): boolean {
    const webhook = this.find(vhost, name)
    const isThere = deleteWebhook(vhost, name)
    if (webhook !== null) this.forget(webhook)
    webhook?.end('the webhook was deleted')
    return isThere
  }

  setPaused(vhost: VHost, name: string, isPaused: boolean): void {
    const record = { ...vhost.webhooks.get(name)!, isPaused }
    putWebhook(vhost, name, record)
    const webhook = this.find(vhost, name)
    if (isPaused) webhook?.pause(record)
    else webhook?.resume(record)
  }

  find(vhost: VHost, name: string): Webhook | null {
    return this.running.get(vhost)?.get(name) ?? null
  }

  /** One that was changed meanwhile may be meant for another target. */
  gone(webhook: Webhook): void {
    const { vhost, name } = webhook
    if (this.find(vhost, name) !== webhook) return
    this.broker.log.warn({ vhost: vhost.name, webhook: name },
      'a webhook was paused: its target answered 410 Gone')
    this.setPaused(vhost, name, true)
  }

  forget(webhook: Webhook): void {
    const ofVHost = this.running.get(webhook.vhost)
    if (ofVHost?.get(webhook.name) !== webhook) return
    ofVHost.delete(webhook.name)
    if (ofVHost.size === 0) this.running.delete(webhook.vhost)
  }

  /** The broker is about to close all connections: none comes again, what is under way may end. */
  stop(): void {
    for (const webhooks of this.running.values()) {
      for (const webhook of webhooks.values()) webhook.end('the broker stops')
    }
  }

  /** Drops what is still under way. */
  close(): void {
    this.target.close()
  }

  private run(vhost: VHost, name: string, record: WebhookRecord): void {
    const webhook = new Webhook(this, vhost, name, record, ++this.lastNumber)
    const ofVHost = this.running.get(vhost)
    if (ofVHost === undefined) this.running.set(vhost, new Map([[name, webhook]]))
    else ofVHost.set(name, webhook)
    webhook.open()
  }
}
