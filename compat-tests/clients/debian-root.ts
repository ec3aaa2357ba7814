// The root folder with the client libraries that come from Debian: where it is, what is in it, and a run's
// copy of the programs. Called by install.ts and play.ts. Invariant: the programs are put into a folder of
// the run's own, so that two runs share the root but no file.

import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const makeRoot = resolve(import.meta.dirname, '../debian/make-root.sh')
const folders = ['python', 'ruby', 'php', 'shell']
const environment = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8', 'HOME=/root']

export function rootFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return process.env['LEVERET_CLIENTS_ROOT'] ?? join(cache, 'leveret', 'clients-trixie')
}

/** A minute the first time, nothing after that. Rejects with what the script or Debian's tools said. */
export async function makeDebianRoot(): Promise<void> {
  try {
    await run(makeRoot, ['clients', rootFolder()], { timeout: 600_000, maxBuffer: 64 << 20 })
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    const said = stderr?.trim().split('\n').slice(-5).join('\n')
    throw new Error(`no Debian root for the client libraries in ${rootFolder()}: ${said || String(error)}`,
      { cause: error })
  }
}

/** The upstream part of a package's version: `2:1.3.2-1+deb13u1` is 1.3.2. */
export async function debianVersion(name: string): Promise<string> {
  const query = ['dpkg-query', '-W', '-f', '${source:Upstream-Version}', name]
  const { stdout } = await run('chroot', [rootFolder(), ...query])
  return stdout.replace(/[+~].*$/, '')
}

export interface ProgramFolder {
  command(interpreter: string, program: string): string[]
  remove(): Promise<void>
}

export async function copyPrograms(): Promise<ProgramFolder> {
  const root = rootFolder()
  const folder = await mkdtemp(join(root, 'tmp/leveret-clients-'))
  for (const name of folders) {
    await cp(join(import.meta.dirname, name), join(folder, name), { recursive: true })
  }
  return {
    command: (interpreter, program) => [
      'chroot', root, '/usr/bin/env', '-i', ...environment,
      interpreter, `${folder.slice(root.length)}/${program}`,
    ],
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
