// Every program of examples/, as its reader runs it, against both brokers: it prints what its first lines
// say, and ends. An example that asks for a restart of the broker gets one. Those of Leveret's own HTTP API,
// http-*, are run on Leveret alone.
// say, and ends. An example that asks for a restart of the broker gets one; one that says `Prints on
// Leveret:` shows what no other broker has.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, inject, test } from 'vitest'
import { restartBroker } from '../harness/control.ts'
import type { Target } from '../harness/target.ts'

const folder = resolve(import.meta.dirname, '../../examples')
const targets = inject('targets')
const timeoutMs = 60_000

const programs = readdirSync(folder)
  .filter((name) => /\.(?:mjs|ts|sh)$/.test(name))
  .map((name) => ({ name, ...printsOf(name) }))
  .filter(({ prints }) => !prints.some(asksForRestart) || targets.every((target) => target.canRestart))

interface Expected {
  prints: string[]
  brokers: readonly Target[]
}

/** The comment's lines below "Prints:", or "Prints on Leveret:" for what RabbitMQ does not have. */
function printsOf(name: string): Expected {
  const text = readFileSync(join(folder, name), 'utf8')
  const lines = /^(?:\/\/|#) Prints( on Leveret)?:\n((?:(?:\/\/|#) {3}.*\n)+)/m.exec(text)
  const [, where, block = ''] = lines ?? []
  const isLeveretOnly = where !== undefined || name.startsWith('http-')
  return {
    prints: block.trimEnd().split('\n').map((line) => line.replace(/^(?:\/\/|#) {3}/, '')),
    brokers: isLeveretOnly ? targets.filter(({ isLeveret }) => isLeveret) : targets,
  }
}

function asksForRestart(line: string): boolean {
  return line === 'restart the broker now'
}

interface Run {
  broker: string
  printed: string[]
  status: unknown
}

function interpreterOf(name: string): string {
  if (name.endsWith('.sh')) return 'bash'
  return name.endsWith('.ts') ? join(folder, 'node_modules/.bin/tsx') : process.execPath
}

async function run(name: string, target: Target): Promise<Run> {
  const urls = { AMQP_URL: target.url, ...target.httpUrl !== null && { LEVERET_URL: target.httpUrl } }
  const program = spawn(interpreterOf(name), [name], {
    cwd: folder, env: { ...process.env, ...urls }, stdio: ['ignore', 'pipe', 'inherit'],
    timeout: timeoutMs, killSignal: 'SIGKILL',
  })
  const exit = once(program, 'exit')
  const printed: string[] = []
  for await (const line of createInterface({ input: program.stdout })) {
    printed.push(line)
    if (asksForRestart(line)) await restartBroker(target, 'SIGTERM')
  }
  const [status] = await exit
  return { broker: target.label, printed, status }
}

test.each(programs)('$name prints what its first lines say', async ({ name, prints, brokers }) => {
  const runs = await Promise.all(brokers.map((target) => run(name, target)))
  expect(prints).not.toEqual([''])
  expect(runs).toEqual(brokers.map((target) => ({ broker: target.label, printed: prints, status: 0 })))
}, timeoutMs)
