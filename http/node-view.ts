// What the HTTP door is given: the broker, and what only the process knows of itself. runtime/ makes both,
// tests a broker in memory and a node of plain values. Invariant: a NodeView changes nothing
// of the broker's.
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { TimeHistogram } from '../base/time-histogram.ts'
import type { Broker } from '../broker/broker.ts'
import type { RunningSettings } from '../broker/running-settings.ts'
import type { Sampler } from '../broker/sampler.ts'
import type { DefinitionsFile } from '../broker/definitions-file.ts'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import type { VHostKeeper } from '../broker/vhost-keeper.ts'
import type { WebhookRecord } from '../broker/webhook-record.ts'

export interface Door {
  readonly broker: Broker
  readonly node: NodeView
  readonly sampler: Sampler
  readonly settings: RunningSettings
  /** Makes and deletes vhosts. */
  readonly vhosts: VHostKeeper
  readonly webhooks: WebhookKeeper
  /** Takes over a WebSocket that speaks AMQP. */
  acceptAmqp(opened: WebSocket, socket: Socket): void
  /** Resolves when all of it is on disk. Errors: Refusal; then nothing has changed. */
  importDefinitions(file: DefinitionsFile): Promise<void>
}

/** Those that run, on requests or not. What they are is on record in their vhosts. */
export interface WebhookKeeper {
  /** Of all of them since the start. */
  readonly counts: { readonly delivered: number; readonly failed: number; readonly inFlight: number }
  /** Returns true when there was none of this name. */
  put(vhost: VHost, name: string, record: WebhookRecord): boolean
  /** Returns false when there is none of this name. */
  delete(vhost: VHost, name: string): boolean
  /** Of one that is on record. */
  setPaused(vhost: VHost, name: string, isPaused: boolean): void
  /** Null: it is on record no more. */
  find(vhost: VHost, name: string): WebhookView | null
  /** Whether it may send there at all. Errors: Error, naming the address. */
  readonly target: { check(url: URL): void }
}

/** What it came to since it was made or changed. */
export interface WebhookView {
  readonly state: 'paused' | 'waiting' | 'resting' | 'running'
  readonly inFlight: number
  readonly delivered: number
  readonly failed: number
  readonly lastError: { readonly atMs: number; readonly reason: string } | null
}

export interface NodeView {
  readonly productName: string
  readonly productVersion: string
  /** As RabbitMQ's: name@host. */
  readonly nodeName: string
  readonly startedAtMs: number
  /** The AMQP listener is open and the broker is not stopping. */
  isReady(): boolean
  authenticate(login: Login): Promise<Authentication>
  listeners(): readonly ListenerView[]
  usage(): Promise<NodeUsage>
  /** How long commits took; null where nothing is committed to a disk. */
  readonly commitTimes: TimeHistogram | null
  /** Parked by the store, because they were not what had been put. */
  damagedMessages(): number
  /**
   * Copies the data to a file on the broker's machine; returns its size in bytes. Null where there is no file
   * to copy. Errors: Error, saying why not.
   */
  readonly backUp: ((file: string, overwrites: boolean) => Promise<number>) | null
}

export interface Login {
  readonly user: string
  readonly password: string
  /** Decides for users who may only come from this machine. */
  readonly remoteAddress: string
}

export type Authentication =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly why: 'bad credentials' | 'loopback only' }

export interface ListenerView {
  /** In RabbitMQ's words: amqp, http, http/prometheus. */
  readonly protocol: string
  readonly address: string
  readonly port: number
  readonly isTls: boolean
}

/** What the process takes of its machine, and how much there is. */
export interface NodeUsage {
  readonly pid: number
  readonly processors: number
  readonly residentBytes: number
  readonly residentBytesMax: number
  readonly heapUsedBytes: number
  /** User and system. */
  readonly cpuSeconds: number
  readonly openFiles: number
  readonly openFilesMax: number
  readonly diskFreeBytes: number
  readonly dataDirectory: string
}
