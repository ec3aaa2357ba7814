// The end of the process when the store cannot keep what it was given: cli/start.ts knows it by its name and
// prints its one line. Called by engine-vhosts.ts for every scope.
import { resolve } from 'node:path'
import type { StoreFailure } from '../store/store.ts'

/** Ends the process: said once, in words for whoever runs it. */
export class StoreFailed extends Error {
  override name = 'StoreFailed'
}

/**
 * Whatever the store could not do, nothing was confirmed: ending is safe, going on is not (reliability P7).
 */
export function endForStore({ cause, kind }: StoreFailure, dataDirectory: string): never {
  const directory = resolve(dataDirectory)
  const advice = /SQLITE_(?:CORRUPT|NOTADB)/.test(cause.message)
    ? `the database in ${directory} is damaged: \`leveret check\` names what it touches; restore a backup`
    : `the store in ${directory} failed (${kind}); what was confirmed is safe, and the next start recovers it`
  throw new StoreFailed(`${advice}: ${cause.message}`, { cause })
}
