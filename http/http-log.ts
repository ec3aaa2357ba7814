// What the HTTP door tells the operator: failures, never requests. The process's logger has this shape.

export interface HttpLog {
  error(fields: { err: unknown; method: string; path: string }, message: string): void
}
