// The real program as a child process: dist/bin/main.js on free ports over a data directory. Invariant:
// whoever starts one ends it, with `kill`, and nothing outlives the test.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../dist/bin/main.js', import.meta.url))

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class ServerProcess {
  readonly exit: Promise<Exit>
  hasEnded = false
  stdout = ''
  stderr = ''
  amqpPort = 0
  httpUrl = ''
  /** From the start of the process to its word that it is ready. */
  startMs = 0
  private readonly child: ChildProcess

  /** `env`: beside the test's own. */
  constructor(dataDirectory: string, env: NodeJS.ProcessEnv = {}) {
    const args = [
      program, '--data', dataDirectory, '--host', '127.0.0.1', '--amqp-port', '0', '--http-port', '0',
      '--log-level', 'warn',
    ]
    this.child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env },
    })
    this.child.stdout?.on('data', (chunk: Buffer) => { this.stdout += chunk.toString() })
    this.child.stderr?.on('data', (chunk: Buffer) => { this.stderr += chunk.toString() })
    this.exit = once(this.child, 'close').then(([code, signal]) => {
      this.hasEnded = true
      return { code, signal } as Exit
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Errors: Error with what it said when it ends instead. */
  async started(): Promise<void> {
    const startedMs = performance.now()
    const exited = this.exit.then((exit) => {
      const said = this.stdout + this.stderr
      throw new Error(`the broker ended (${JSON.stringify(exit)}) instead of starting: ${said}`)
    })
    while (!this.stdout.includes('Server startup complete')) {
      await Promise.race([once(this.child.stdout!, 'data'), exited])
    }
    // It will end, by our hand.
    exited.catch(() => {})
    this.startMs = performance.now() - startedMs
    this.amqpPort = Number(/amqp:\/\/[^\s]+:(\d+)/.exec(this.stdout)?.[1])
    this.httpUrl = /http:\/\/[^\s]+/.exec(this.stdout)?.[0] ?? ''
  }

  kill(signal: NodeJS.Signals): Promise<Exit> {
    this.child.kill(signal)
    return this.exit
  }
}
