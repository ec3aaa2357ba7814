// Leveret as a user runs it: the built program in a child process, on a free port, with a data folder of its
// own. Called by global-setup.ts. Invariant: an orderly stop must end with exit code 0, or the run fails.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { AlarmsOn, BrokerProcess, RestartSignal, Tools } from './broker-process.ts'
import { until, within } from './poll.ts'
import { serverVersion } from './server-version.ts'

const program = resolve(import.meta.dirname, '../../dist/bin/main.js')
const startBoundMs = 30_000
const stopBoundMs = 30_000

export class LeveretProcess implements BrokerProcess {
  url = ''
  httpUrl = ''
  version = ''
  private readonly dataFolder: string
  private readonly flags: readonly string[]
  private child: ChildProcess | null = null
  private output = ''
  private port = '0'
  private httpPort = '0'
  private readonly killOnExit = (): void => {
    this.child?.kill('SIGKILL')
  }

  private constructor(dataFolder: string, flags: readonly string[]) {
    this.dataFolder = dataFolder
    this.flags = flags
    process.on('exit', this.killOnExit)
  }

  /** `flags` besides those for ports and data. */
  static async start(flags: readonly string[] = []): Promise<LeveretProcess> {
    if (!existsSync(program)) {
      throw new Error(`${program} is missing: build Leveret before the compatibility suite`)
    }
    const leveret = new LeveretProcess(await mkdtemp(join(tmpdir(), 'leveret-compat-')), flags)
    try {
      await leveret.boot()
    } catch (error) {
      await leveret.removeTraces()
      throw error
    }
    return leveret
  }

  readonly restart = async (signal: RestartSignal): Promise<void> => {
    await this.end(signal)
    await this.boot()
  }

  readonly setAlarms = async ({ memory, disk }: AlarmsOn): Promise<void> => {
    await this.change('memory-high-watermark', memory ? 0 : 1)
    await this.change('disk-free-limit', disk ? 1e14 : 0)
  }

  private async change(setting: string, value: number): Promise<void> {
    const response = await fetch(`${this.httpUrl}/api/v1/settings/${setting}`, {
      method: 'PUT', body: JSON.stringify({ value }),
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    })
    if (!response.ok) throw new Error(`${setting} was not changed: ${await response.text()}`)
  }

  get tools(): Tools {
    const prefix = ['/usr/bin/env', `LEVERET_URL=${this.httpUrl}`, process.execPath, program]
    return { prefix, folder: '', root: null }
  }

  async stop(): Promise<void> {
    try {
      await this.end('SIGTERM')
    } finally {
      await this.removeTraces()
    }
  }

  private async removeTraces(): Promise<void> {
    process.off('exit', this.killOnExit)
    await rm(this.dataFolder, { recursive: true, force: true })
  }

  private async boot(): Promise<void> {
    this.output = ''
    const child = spawn(process.execPath, [
      program, 'start', '--data', this.dataFolder, '--amqp-port', this.port, '--http-port', this.httpPort,
      '--host', '127.0.0.1', '--webhooks-allow-private', 'true', ...this.flags,
    ], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-20_000)
      })
    }
    try {
      this.port = await until('Leveret prints "Server startup complete"', () => this.findPort(), startBoundMs)
      this.url = `amqp://guest:guest@127.0.0.1:${this.port}`
      this.httpPort = /http:\/\/127\.0\.0\.1:(\d+)/.exec(this.output)?.[1] ?? '0'
      this.httpUrl = `http://127.0.0.1:${this.httpPort}`
      this.version = await serverVersion(this.url)
    } catch (cause) {
      child.kill('SIGKILL')
      throw new Error(`Leveret did not start; what it printed:\n${this.output}`, { cause })
    }
  }

  /** The first start chooses the port; a restart takes the same again, so that the URL stays valid. */
  private findPort(): string | null {
    if (this.child?.exitCode !== null) throw new Error(`Leveret ended with exit code ${this.child?.exitCode}`)
    if (!this.output.includes('Server startup complete')) return null
    const port = /amqp:\/\/127\.0\.0\.1:(\d+)/.exec(this.output)?.[1]
    if (port === undefined) {
      throw new Error('Leveret printed no amqp://127.0.0.1:PORT before "startup complete"')
    }
    return port
  }

  private async end(signal: RestartSignal): Promise<void> {
    const child = this.child
    if (child === null) return
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await within(`Leveret ends after ${signal}`, exited, stopBoundMs)
    }
    if (signal === 'SIGTERM' && child.exitCode !== 0) {
      const status = child.exitCode ?? child.signalCode
      throw new Error(`Leveret ended with ${status} on SIGTERM, not 0:\n${this.output}`)
    }
  }
}
