// A broker under test as the test files see it: where it is, who it says it is, whether it may be restarted.
// Made by global-setup.ts, handed to the test workers by vitest's provide/inject, so it is plain data.
// Invariant: a URL stays valid for the whole run, restarts included; versions come from the broker's own
// greeting.

import type { BrokerProcess, Tools } from './broker-process.ts'

export interface Target {
  readonly label: 'Leveret' | 'RabbitMQ'
  readonly isLeveret: boolean
  /** A 3.x reference: asked by the harness alone, for the table of versions says what tests expect of it. */
  readonly isRabbit3: boolean
  readonly version: string
  readonly url: string
  /** Of the management API, without `/api`; null where it is not known. */
  readonly httpUrl: string | null
  readonly user: string
  readonly password: string
  readonly vhost: string
  /** False for a broker that is not ours to stop: RABBITMQ_URL, a container. */
  readonly canRestart: boolean
  /** False for the same ones. */
  readonly canAlarm: boolean
  /** Where control.ts answers. */
  readonly controlUrl: string
  readonly tools: Tools | null
}

declare module 'vitest' {
  interface ProvidedContext {
    targets: readonly Target[]
    runId: string
  }

  interface TaskMeta {
    /** Ledger ids a test consulted on Leveret; the report shows them. */
    differences?: string[]
    /** Rows of the table of versions that a test on an older reference consulted, or failed as. */
    older?: string[]
    /** What such a failure said; for whoever reads the JSON report. */
    olderFailure?: string
    /** What a test asked of the management API: method and path. */
    requests?: string[]
  }
}

export function makeTarget(label: Target['label'], broker: BrokerProcess, controlUrl: string): Target {
  const { url, httpUrl, version, tools } = broker
  const { username, password, pathname } = new URL(url)
  const vhost = pathname === '' ? '/' : decodeURIComponent(pathname.slice(1))
  // The close texts name the vhost, and the suite pins those texts.
  if (vhost !== '/') throw new Error(`the suite expects the vhost '/', but ${url} names '${vhost}'`)
  return {
    label, url, httpUrl, version, canRestart: broker.restart !== null, canAlarm: broker.setAlarms !== null,
    controlUrl, vhost, tools,
    isLeveret: label === 'Leveret',
    isRabbit3: label === 'RabbitMQ' && version.startsWith('3.'),
    user: username === '' ? 'guest' : decodeURIComponent(username),
    password: password === '' ? 'guest' : decodeURIComponent(password),
  }
}
