#!/usr/bin/env node
// The `leveret` program: hands the process to run.ts. Invariant: the only file that reads argv and the
// environment, writes to stdout and stderr (the logger aside), hears signals and ends the process.

import { readFileSync } from 'node:fs'
import { startServer } from '../runtime/server.ts'
import { packageVersion } from './package-version.ts'
import { run } from './run.ts'

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
