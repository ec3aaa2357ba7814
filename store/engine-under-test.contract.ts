// What the suites of stores share: an engine that can be restarted on its data, the scope of it that a test
// has acquired, and messages to put there. Used by the contracts and by the tests that run them.

import { load } from './loaded.contract.ts'
import { isHeld, type Engine, type StorableMessage, type Store } from './store.ts'

export interface EngineUnderTest {
  engine: Engine
  /** Closes the engine and opens one on the same data. */
  restart(): Promise<void>
  dispose(): Promise<void>
}

export interface SampleMessage {
  readonly exchange?: string
  readonly routingKey?: string
  readonly rawKey?: Buffer | null
  readonly properties?: Buffer
  readonly body?: Buffer
  readonly expiresAtMs?: number
  readonly isDeadLetter?: boolean
  readonly bodyId?: number
}

/** A message as the broker holds one: a range in the middle of received bytes. */
export function messageOf(sample: SampleMessage = {}): StorableMessage {
  const { exchange = 'orders', routingKey = 'created', rawKey = null } = sample
  const { isDeadLetter = false, bodyId = 0 } = sample
  const properties = sample.properties ?? Buffer.from([0x80, 0])
  const body = sample.body ?? Buffer.from('hello')
  const before = Buffer.from('before')
  const between = Buffer.from('frame-end')
  const propertiesEnd = before.length + properties.length
  const bodyStart = propertiesEnd + between.length
  return {
    exchange, routingKey, rawKey, isDeadLetter, bodyId, bodyStart, propertiesEnd,
    buf: Buffer.concat([before, properties, between, body, Buffer.from('after')]),
    propertiesStart: before.length,
    bodyEnd: bodyStart + body.length,
  }
}

/** Everything a test wants to know of one acquired scope. */
export class Scope {
  readonly store: Store
  readonly reported: number[] = []
  private waiters: { batch: number; resolve: () => void }[] = []

  constructor(store: Store) {
    this.store = store
    store.onDurable = (batch) => {
      this.reported.push(batch)
      for (const waiter of this.waiters) if (waiter.batch <= batch) waiter.resolve()
      this.waiters = this.waiters.filter((waiter) => waiter.batch > batch)
    }
  }

  get durable(): number {
    return this.reported.at(-1) ?? 0
  }

  untilDurable(batch: number): Promise<void> {
    if (this.durable >= batch) return Promise.resolve()
    return new Promise((resolve) => this.waiters.push({ batch, resolve }))
  }

  /** Ends the turn and waits for what it appended. */
  commit(): Promise<void> {
    const batch = this.store.openBatch
    this.store.seal()
    return this.untilDurable(batch)
  }

  async ids(queue: number): Promise<number[]> {
    return (await load(this.store, queue)).map((message) => message.id)
  }
}

export async function acquire({ engine }: EngineUnderTest, scopeName = '/'): Promise<Scope> {
  const answer = await engine.acquire(scopeName)
  if (isHeld(answer)) throw new Error(`${scopeName} is held by ${answer.heldBy}`)
  return new Scope(answer)
}

/** The same scope, of an engine that was closed and opened again. */
export async function restarted(under: EngineUnderTest, scope: Scope): Promise<Scope> {
  await scope.store.release()
  await under.restart()
  return acquire(under)
}
