// All that the program has of the world outside, as cli/main.ts passes it: the process's own, or a test's.

import type { Settings } from '../broker/config.ts'
import type { Logger } from '../runtime/log.ts'

export interface Surroundings {
  /** What it was called as: `leveret`, `rabbitmqctl` …; whatever is none of our names counts as leveret. */
  readonly programName: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly packageVersion: string
  readText(fileName: string): string
  writeText(fileName: string, text: string): void
  appendText(fileName: string, text: string): void
  /** All of stdin. */
  readInput(): Promise<Buffer>
  /** To stdout, as it is. */
  print(text: string): void
  /** To stderr: one line, the newline is added. */
  complain(line: string): void
  onSignal(handler: (signal: StopSignal) => void): void
  onUncaught(handler: (error: unknown) => void): void
  exit(code: number): void
  /** Since the process started. */
  nowMs(): number
  sleep(ms: number): Promise<void>
}

export type StopSignal = 'SIGTERM' | 'SIGINT'

/** What runtime/server.ts does, in the shape that is used here. */
export type StartServer = (settings: Settings, log: Logger) => Promise<RunningServer>

export interface RunningServer {
  readonly amqpUrl: string
  readonly amqpsUrl: string | null
  readonly httpUrl: string
  readonly dataDirectory: string
  close(reason?: string): Promise<void>
}
