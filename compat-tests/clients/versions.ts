// Which version of each library was played: asked of what is installed, not of what was wanted. Called by
// clients.test.ts. Rejects when a package is not there.

import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { debianVersion } from './debian-root.ts'
import { isDebian } from './libraries.ts'
import type { Library } from './libraries.ts'

export function versionOf(library: Library): Promise<string> {
  return isDebian(library) ? debianVersion(library.package) : npmVersion(library)
}

/** The nearest copy, as Node resolves it from the program. */
async function npmVersion(library: Library): Promise<string> {
  let folder = dirname(join(import.meta.dirname, library.program))
  while (folder.startsWith(import.meta.dirname)) {
    const file = join(folder, 'node_modules', library.package, 'package.json')
    const text = await readFile(file, 'utf8').catch(() => null) // not in this folder: the next one up
    if (text !== null) return (JSON.parse(text) as { version: string }).version
    folder = dirname(folder)
  }
  throw new Error(`${library.package} is not installed for ${library.program}`)
}
