// What must hold of the ready entries of a queue between two events. Called by queue.ts for the simulation
// and tests. Invariant: changes nothing.
import { invariant } from '../base/invariant.ts'
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
