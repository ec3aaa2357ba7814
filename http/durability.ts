// An answer that says "done" means that it survives: what waits for the store's batch, for handlers.
import type { VHost } from '../broker/vhost.ts'

/** Everything that was declared, bound or deleted so far is on disk. */
export function whenDefined(vhost: VHost): Promise<void> {
  const batch = vhost.pendingDefinitions
  return batch === 0 ? Promise.resolve() : whenDurable(vhost, batch)
}

/** Everything that was appended so far is on disk. */
export function whenStored(vhost: VHost): Promise<void> {
  return whenDurable(vhost, vhost.store.openBatch)
}

function whenDurable(vhost: VHost, batch: number): Promise<void> {
  return new Promise((resolve) => {
    vhost.awaitDurable({
      durable(reached) {
        if (reached < batch) return true
        resolve()
        return false
      },
    })
  })
}
