#!/usr/bin/env node
// The `leveret` program: hands the process to run.ts. Invariant: the only file that reads argv and the
// environment, writes to stdout and stderr (the logger aside), hears signals and ends the process.

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StartServer } from './surroundings.ts'

const argv = process.argv.slice(2)
const programName = basename(process.argv[1] ?? '', '.js')
const [first = 'start'] = argv

/** All that the broker is made of; commands do without it. */
async function loadBroker(): Promise<StartServer> {
  const { prepareStoreWorker } = await import('../store/sqlite/store-worker.ts')
  // The store's worker and everything else load side by side: starting takes a fifth less.
  prepareStoreWorker()
  const [{ startServer }] = await Promise.all([import('../runtime/server.ts'), import('./start.ts')])
  return startServer
}
const isToStart = !programName.startsWith('rabbitmq') && (first === 'start' || (first.startsWith('-')
  && !argv.includes('--help')))
const loading = isToStart ? loadBroker() : null
const [{ run }, { packageVersion }] = await Promise.all([import('./run.ts'), import('./package-version.ts')])

await run({
  programName,
  argv,
  env: process.env,
  packageVersion: packageVersion(),
  readText: (fileName) => readFileSync(fileName, 'utf8'),
  writeText: (fileName, text) => {
    writeFileSync(fileName, text)
  },
  appendText: (fileName, text) => {
    appendFileSync(fileName, text)
  },
  readInput: async () => {
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  },
  print: (text) => {
    process.stdout.write(text)
  },
  complain: (line) => {
    process.stderr.write(`${line}\n`)
  },
  onSignal: (handler) => {
    process.on('SIGTERM', handler)
    process.on('SIGINT', handler)
  },
  onUncaught: (handler) => {
    process.on('uncaughtException', handler)
  },
  exit: (code) => {
    process.exit(code)
  },
  nowMs: () => performance.now(),
  sleep: async (ms) => {
    await sleep(ms)
  },
}, async (settings, log) => (await (loading ?? loadBroker()))(settings, log))
