// What went wrong below a transaction, in the words of the seam. Thrown by SqliteWriter, carried by the store
// thread to the pipeline. Only an error of COMMIT itself leaves the outcome open: 9 of 14 commits whose fsync
// failed were found applied on reopen (reliability §4.4).

import type { StoreFailure } from '../store.ts'

type Kind = StoreFailure['kind']

export class TransactionFailed extends Error {
  override name = 'TransactionFailed'
  readonly kind: Kind

  constructor(what: string, kind: Kind, cause: unknown) {
    super(`${what}: ${describe(cause)}`, { cause })
    this.kind = kind
  }
}

/** No space is a rollback wherever it happens: the commit frame is the last thing written to the WAL. */
export function failureKind(cause: unknown, otherwise: Kind): Kind {
  return codeOf(cause) === 'SQLITE_FULL' ? 'full' : otherwise
}

export function toFailure(error: unknown): StoreFailure {
  const cause = error instanceof Error ? error : new Error(String(error))
  return { kind: error instanceof TransactionFailed ? error.kind : failureKind(error, 'io'), cause }
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
