// A client program as a child process: its lines as it prints them, the point where it waits for the
// restart of the broker, and its end. Used by play.ts. Invariant: it ends within the bound or is killed
// with all it started, and a program that ends early says so in its transcript, never by silence.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A line of a program: the scenario it belongs to and what was seen, or how the scenario ended. */
export interface Line {
  readonly scenario: string
  readonly [seen: string]: unknown
}

/** For the way to the restart, and for the way from there to the end. */
const boundMs = 60_000

/** Those that must not outlive the run, also when it is killed. */
const running = new Set<ClientProgram>()
process.on('exit', () => {
  for (const program of running) program.kill()
})

export class ClientProgram {
  readonly lines: Line[] = []
  /** Resolves when the program waits for the restart, or has ended before it. */
  readonly ready: Promise<void>
  /** Resolves when the program has ended. */
  readonly ended: Promise<void>
  private readonly child: ChildProcess
  private complaints = ''
  private bound: NodeJS.Timeout

  constructor(command: readonly string[], folder: string) {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: folder, detached: true, stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.child = child
    this.bound = this.killLater()
    running.add(this)
    child.stdin.on('error', () => undefined) // it ended without waiting: its lines tell
    child.stderr.on('data', (chunk: Buffer) => {
      this.complaints = (this.complaints + chunk.toString()).slice(-3_000)
    })
    const output = createInterface({ input: child.stdout })
    this.ready = new Promise((resolve) => {
      output.on('line', (line) => {
        if (this.read(line)) resolve()
      })
      child.once('error', (error) => {
        this.complaints = String(error)
        resolve()
      })
      child.once('exit', () => resolve())
    })
    void this.ready.then(() => clearTimeout(this.bound))
    this.ended = this.end(once(output, 'close'))
  }

  goOn(): void {
    if (!running.has(this)) return
    this.bound = this.killLater()
    this.child.stdin?.end('restarted\n')
  }

  /** What went wrong, as far as the program said. */
  get stderr(): string {
    return this.complaints
  }

  /** True at the line that asks for the restart. */
  private read(line: string): boolean {
    let parsed: Line
    try {
      parsed = JSON.parse(line) as Line
    } catch {
      this.complaints += `not a line of a transcript: ${line}\n`
      return false
    }
    if (parsed['waiting'] === true) return true
    this.lines.push(parsed)
    return false
  }

  private async end(outputClosed: Promise<unknown>): Promise<void> {
    await outputClosed
    clearTimeout(this.bound)
    this.kill()
    running.delete(this)
  }

  private killLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.complaints += `killed after ${boundMs / 1000} s\n`
      this.kill()
    }, boundMs)
  }

  /** With all that it started. */
  kill(): void {
    if (this.child.pid === undefined) return
    try {
      process.kill(-this.child.pid, 'SIGKILL')
    } catch (error) {
      // the group is gone already: as wanted
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
