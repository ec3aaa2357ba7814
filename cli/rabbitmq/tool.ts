// The shape of a command of rabbitmqctl and rabbitmq-diagnostics, and how it ends: RabbitMQ's exit codes,
// which scripts compare. Rows are in this folder, run-tool.ts runs them.

import type { BrokerClient } from '../broker-client.ts'
import type { Surroundings } from '../surroundings.ts'

/** Those of RabbitMQ's tools, after sysexits.h. */
export const toolExits = {
  ok: 0, usage: 64, dataError: 65, noUser: 67, unavailable: 69, software: 70, temporary: 75,
} as const

export interface ToolCommand {
  readonly name: string
  /** Words and switches as RabbitMQ shows them: `[--vhost <vhost>] <username> [<password>]`. */
  readonly usage: string
  /** How many words it takes. */
  readonly words: readonly [min: number, max: number]
  /** Switches of its own, by their long names; `:text` behind those that take a value. */
  readonly switches?: readonly string[]
  /** What can be seen to be wrong before anything is said. Errors: ToolFailed. */
  readonly check?: (call: ToolCall) => void
  /** What is said first, to people only; null for nothing. */
  readonly banner?: (call: ToolCall) => string | null
  /** A text is printed with a newline behind it. */
  readonly run: (call: ToolCall) => Promise<ToolOutput>
}

export type ToolOutput = string | null | ToolTable

export interface ToolTable {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

export interface ToolCall {
  readonly tool: string
  readonly broker: BrokerClient
  readonly surroundings: Surroundings
  readonly words: readonly string[]
  readonly switches: ReadonlyMap<string, string>
  readonly vhost: string
  /** As people are told it. */
  readonly node: string
}

/** Ends a tool. */
export class ToolFailed extends Error {
  override name = 'ToolFailed'
  readonly code: number

  /** `message` may have several lines. */
  constructor(exit: keyof typeof toolExits, message: string) {
    super(message)
    this.code = toolExits[exit]
  }
}
