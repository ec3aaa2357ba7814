// What the core may say to the operator. Structurally pino's logger, so that runtime/ passes one in and the
// core imports nothing; silentLog for tests. Never called per message.

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silentLog: Log = { info() {}, warn() {}, error() {} }
