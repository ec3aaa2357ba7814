// The log: JSON lines to stderr, so that stdout stays for the start-up block. cli makes one logger and hands
// it down; nobody else makes one. Invariant: a line's fields are the rows below and nothing else, so that
// whoever searches the log of one part finds the same names in every other. Call it as log.warn({ queue,
// vhost }, 'what happened').

import { pino } from 'pino'
import type { Settings } from '../broker/config.ts'

/** Every field a line may carry besides pino's own level, time, pid, hostname and msg. */
export const logFields = {
  err: 'the Error, with its stack',
  reason: 'why, in words',
  connection: 'a connection, named as RabbitMQ does: 10.0.0.1:52144 -> 10.0.0.2:5672',
  channel: 'number of a channel on its connection',
  user: 'name of a user',
  vhost: 'name of a vhost',
  exchange: 'name of an exchange',
  queue: 'name of a queue',
  webhook: 'name of a webhook',
  message: 'id of a stored message',
  method: 'an AMQP method, as basic.publish, or an HTTP method',
  path: 'path of an HTTP request',
  replyCode: 'AMQP reply code',
  listener: 'what is listened on: address and port',
  store: 'kind of store, or its file',
  batch: 'number of a store batch',
  count: 'how many',
  bytes: 'how much',
  durationMs: 'how long',
  signal: 'signal that was received',
} as const satisfies Record<string, string>

export type LogFields = { readonly [F in keyof typeof logFields]?: unknown }

type Write = (fields: LogFields, message: string) => void

export interface Logger {
  readonly fatal: Write
  readonly error: Write
  readonly warn: Write
  readonly info: Write
  readonly debug: Write
  readonly trace: Write
}

/** Written synchronously: a line logged before the process ends is there, and no message waits for one. */
export function createLogger(level: Settings['logLevel']): Logger {
  return pino({ level }, pino.destination({ fd: 2, sync: true }))
}
