#!/usr/bin/env node
// The `leveret` program: hands the process to run.ts. Invariant: the only file that reads argv and the
// environment, writes to stdout and stderr (the logger aside), hears signals and ends the process.

import { readFileSync } from 'node:fs'
import { prepareStoreWorker } from '../store/sqlite/store-worker.ts'

// The store's worker and everything else load side by side: starting takes a fifth less.
prepareStoreWorker()
const [{ run }, { startServer }, { packageVersion }] = await Promise.all([
  import('./run.ts'), import('../runtime/server.ts'), import('./package-version.ts'),
])

await run({
  argv: process.argv.slice(2),
  env: process.env,
  packageVersion: packageVersion(),
  readText: (fileName) => readFileSync(fileName, 'utf8'),
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
}, startServer)
