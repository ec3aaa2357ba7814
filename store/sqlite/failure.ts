// What went wrong below a transaction, in the words of the seam. Thrown by SqliteWriter, carried by the store
// thread to the pipeline. Only an error of COMMIT itself leaves the outcome open: 9 of 14 commits whose fsync
// failed were found applied on reopen (reliability §4.4).

import type { StoreFailure } from '../store.ts'

/** `full` passes: what was rolled back is tried again when there is room. */
export type FailureKind = StoreFailure['kind'] | 'full'

export class TransactionFailed extends Error {
  override name = 'TransactionFailed'
  readonly kind: FailureKind

  constructor(what: string, kind: FailureKind, cause: unknown) {
    super(`${what}: ${describe(cause)}`, { cause })
    this.kind = kind
  }
}

/** No space is a rollback wherever it happens: the commit frame is the last thing written to the WAL. */
export function failureKind(cause: unknown, otherwise: FailureKind): FailureKind {
  return codeOf(cause) === 'SQLITE_FULL' ? 'full' : otherwise
}

export function toFailure(error: unknown): { readonly kind: FailureKind; readonly cause: Error } {
  if (error instanceof TransactionFailed) return { kind: error.kind, cause: error }
  // SQLite's own errors lose their message on the way between threads; as a cause they keep their code.
  return { kind: failureKind(error, 'io'), cause: new Error(describe(error), { cause: error }) }
}

export function isFull(error: unknown): boolean {
  return toFailure(error).kind === 'full'
}

function describe(cause: unknown): string {
  const code = codeOf(cause)
  const message = cause instanceof Error ? cause.message : String(cause)
  return code === null ? message : `${code} ${message}`
}

function codeOf(cause: unknown): string | null {
  if (!(cause instanceof Error) || !('code' in cause)) return null
  return String(cause.code)
}
