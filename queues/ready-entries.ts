// What is asked of all ready entries of a queue at once: that they are in order, between two events of the
// simulation and tests, and to remember their deliveries, before a clean stop. Called by queue.ts.
import { invariant } from '../base/invariant.ts'
import type { Store } from '../store/store.ts'
import type { EntryHolder } from './entry.ts'
import type { ReadyList } from './ready-list.ts'

/** Errors: InvariantBroken. */
export function checkReadyEntries(queue: EntryHolder & { readonly name: string }, ready: ReadyList): void {
  let before = 0
  for (const entry of ready) {
    const isInOrder = entry.id > before || !ready.isInIdOrder
    invariant(isInOrder, `queue '${queue.name}': entry ${entry.id} is ready after entry ${before}`)
    const isFree = entry.queue === queue && entry.consumer === null
    invariant(isFree, `queue '${queue.name}': entry ${entry.id} is held`)
    before = entry.id
  }
}

/** What was handed out once says so after a restart. */
export function touchDelivered(queue: number, ready: ReadyList, store: Store): void {
  for (const { id, isStored, isRedelivered, deliveryCount } of ready) {
    if (isStored && isRedelivered) store.touch(queue, id, deliveryCount)
  }
}
