// Vhosts over the engine: acquires a scope when one comes, gives it back when one goes. At most one change of
// vhosts is on its way at a time. Made by server.ts, which also takes in with it what is on record at boot.
import type { Broker } from '../broker/broker.ts'
import { restoreKeys } from '../broker/recovery.ts'
import type { VHostFacts } from '../broker/vhost-facts.ts'
import type { VHostKeeper } from '../broker/vhost-keeper.ts'
import { isHeld } from '../store/store.ts'
import type { Engine, Store } from '../store/store.ts'
import { whenRecorded } from '../http/durability.ts'
import { endForStore } from './store-failure.ts'

export class EngineVHosts implements VHostKeeper {
  private readonly engine: Engine
  private readonly broker: Broker
  private readonly dataDirectory: string
  private last: Promise<unknown> = Promise.resolve()

  constructor(engine: Engine, broker: Broker, dataDirectory: string) {
    this.engine = engine
    this.broker = broker
    this.dataDirectory = dataDirectory
  }

  /** Errors: the scope is held by another process. */
  async acquire(scope: string): Promise<Store> {
    const store = await this.engine.acquire(scope)
    if (isHeld(store)) throw new Error(`the messages of vhost '${scope}' are held by ${store.heldBy}`)
    store.onFailed = (failure) => endForStore(failure, this.dataDirectory)
    return store
  }

  /** Topology, counts and keys of duplicates; messages are read when somebody wants them. */
  async open(name: string): Promise<void> {
    const store = await this.acquire(name)
    const recovered = await store.recover()
    const vhost = this.broker.restoreVHost(name, store, recovered)
    await new Promise<void>((resolve) => restoreKeys(vhost, recovered, resolve))
  }

  put(name: string, facts: VHostFacts): Promise<boolean> {
    return this.inTurn(async () => {
      const { broker } = this
      const isNew = !broker.vhosts.has(name)
      broker.recordVHost(name, facts)
      if (isNew) await this.open(name)
      await whenRecorded(broker.records)
      return isNew
    })
  }

  delete(name: string): Promise<boolean> {
    return this.inTurn(async () => {
      const vhost = this.broker.vhosts.get(name)
      if (vhost === undefined) return false
      const store = this.broker.removeVHost(vhost)
      await whenRecorded(this.broker.records)
      await store.release()
      return true
    })
  }

  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changing = this.last.then(change, change)
    this.last = changing
    return changing
  }
}
