// Waiting, outside of the core, until records are on disk: what an administrator is answered before would
// be a promise that a crash could break.
import type { DurableRecords } from '../broker/durable-records.ts'

/** Resolves when everything recorded so far is on disk. */
export function written(records: DurableRecords): Promise<void> {
  const batch = records.pendingBatch
  if (batch === 0) return Promise.resolve()
  return new Promise((resolve) => {
    records.listen({
      durable(upTo) {
        if (upTo >= batch) resolve()
        return upTo < batch
      },
    })
  })
}
