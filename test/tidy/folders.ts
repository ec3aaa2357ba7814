// The tree as the rules see it: every source file, and which folders lack the README that says what they are.

import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import type { Source } from './source.ts'

const notOurs = ['node_modules', 'dist', '.git', '.cache', 'data']

/** docs/ explains itself by its pages. */
const withoutReadme = ['.', 'docs']

export function readSources(root: string): Source[] {
  return listFiles(root)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Paths from the root, with slashes. */
export function listFiles(root: string): string[] {
  const [folders, files] = partition(readdirSync(root, { withFileTypes: true }))
  const inFolders = folders
    .filter((name) => !notOurs.includes(name))
    .flatMap((name) => readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.split(sep).includes('node_modules'))
      .map((path) => `${name}/${path.replaceAll(sep, '/')}`))
  return [...files, ...inFolders].toSorted()
}

export function checkReadmes(paths: readonly string[]): string[] {
  const folders = new Set(paths.filter((path) => path.endsWith('.ts')).map((path) => posix.dirname(path)))
  return [...folders]
    .filter((folder) => !withoutReadme.includes(folder) && !paths.includes(`${folder}/README.md`))
    .map((folder) => `${folder}/ has no README.md`)
}

function partition(entries: readonly { name: string; isDirectory(): boolean }[]): [string[], string[]] {
  const names = (isFolder: boolean): string[] => entries
    .filter((entry) => entry.isDirectory() === isFolder)
    .map((entry) => entry.name)
  return [names(true), names(false)]
}
