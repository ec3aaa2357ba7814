// Brings in what the client programs and the examples need, before the brokers start: npm's packages by
// their lock files, Debian's by a root folder. Called by vitest (vitest.config.ts). Invariant: what is
// there is used again, and what cannot be had fails the run with the reason; nothing is left out in
// silence.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { makeDebianRoot } from './debian-root.ts'

const run = promisify(execFile)
const packages = [import.meta.dirname, resolve(import.meta.dirname, '../../examples')]

/** Installed again only when the lock file is another than the one that was installed. */
async function installPackages(folder: string): Promise<void> {
  const mark = join(folder, 'node_modules/.installed-lock')
  const lock = createHash('sha256').update(await readFile(join(folder, 'package-lock.json'))).digest('hex')
  if (existsSync(mark) && await readFile(mark, 'utf8') === lock) return
  await run('npm', ['ci', '--prefix', folder], { timeout: 300_000, maxBuffer: 64 << 20 })
  await writeFile(mark, lock)
}

export default async function install(): Promise<void> {
  await Promise.all([makeDebianRoot(), ...packages.map(installPackages)])
}
