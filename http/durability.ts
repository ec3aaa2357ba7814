// An answer that says "done" means that it survives: what waits for the store's batch, for handlers and for
// what the process does before it listens.
import type { DurableRecords } from '../broker/durable-records.ts'
import type { VHost } from '../broker/vhost.ts'

/** Everything that was declared, bound or deleted so far is on disk. */
export function whenDefined(vhost: VHost): Promise<void> {
  return whenRecorded(vhost.records)
}

/** Every record so far is on disk: of a vhost, or of the catalog of users and vhosts. */
export function whenRecorded(records: DurableRecords): Promise<void> {
  const batch = records.pendingBatch
  return batch === 0 ? Promise.resolve() : whenDurable(records, batch)
}

/** The store is not behind: AMQP's publishers wait for the same. */
export async function whenRelieved(vhost: VHost): Promise<void> {
  while (vhost.store.isCongested) {
    await new Promise<void>((resolve) => vhost.awaitRelieved({ relieved: resolve }))
  }
}

/** Everything that was appended so far is on disk. */
export function whenStored(vhost: VHost): Promise<void> {
  return whenDurable(vhost.records, vhost.store.openBatch)
}

/** This batch, which something was appended to, is on disk. */
export function whenBatchStored(vhost: VHost, batch: number): Promise<void> {
  return batch <= vhost.store.durableBatch ? Promise.resolve() : whenDurable(vhost.records, batch)
}

function whenDurable(records: DurableRecords, batch: number): Promise<void> {
  return new Promise((resolve) => {
    records.listen({
      durable(reached) {
        if (reached < batch) return true
        resolve()
        return false
      },
    })
  })
}
