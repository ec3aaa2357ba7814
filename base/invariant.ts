// What must hold for the broker's own state to be trusted. A broken invariant is our mistake, never the
// client's: it throws, the connection that met it is closed with 541, and the log has the stack.

/** Thrown by `invariant`; doors map it to INTERNAL_ERROR. */
export class InvariantBroken extends Error {
  override name = 'InvariantBroken'
}

export function invariant(condition: boolean, why: string): asserts condition {
  if (!condition) throw new InvariantBroken(why)
}

/** For a value that the surrounding code has already proven to be there. */
export function present<T>(value: T | undefined | null, why: string): T {
  if (value === undefined || value === null) throw new InvariantBroken(why)
  return value
}
