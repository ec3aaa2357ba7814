// The hold on a data directory, against another process that really exists (dist/ must be built).

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DataDirectory, DataDirectoryHeld } from './data-directory.ts'

const built = new URL('../../dist/store/sqlite/data-directory.js', import.meta.url).href

let directory = ''
const children: ChildProcess[] = []

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'leveret-hold-')), 'data')
})

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

/** Says 'held' or the name of what it threw, then waits to be killed. */
async function holdInChild(): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    import { DataDirectory } from ${JSON.stringify(built)}
    let said = 'held'
    try { globalThis.held = new DataDirectory(process.argv[1]) } catch (error) { said = error.name }
    process.stdout.write(said)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [said] = await once(child.stdout!, 'data') as [Buffer]
  return { child, said: said.toString() }
}

function contents(): string[] {
  return readdirSync(directory).map((name) => {
    const { size, mtimeMs } = statSync(join(directory, name))
    return `${name} ${size} ${mtimeMs}`
  })
}

it('a directory held by another process is refused, named with its holder, and left unchanged', async () => {
  const { child, said } = await holdInChild()
  expect(said).toBe('held')
  const before = contents()
  expect(() => new DataDirectory(directory)).toThrow(new DataDirectoryHeld(directory, child.pid ?? 0))
  expect(contents()).toEqual(before)
})

it('a directory whose holder was killed can be held at once', async () => {
  const { child } = await holdInChild()
  child.kill('SIGKILL')
  await once(child, 'exit')
  const next = new DataDirectory(directory)
  expect(readFileSync(join(directory, 'leveret.pid'), 'utf8')).toBe(`${process.pid}\n`)
  next.release()
})

it('a directory is refused a second time within one process, until it is released', () => {
  const held = new DataDirectory(directory)
  expect(() => new DataDirectory(directory)).toThrow(`in use by process ${process.pid}`)
  held.release()
  new DataDirectory(directory).release()
})

it('of processes that start together exactly one wins', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, holdInChild))
  expect(all.map(({ said }) => said).toSorted()).toEqual([
    'DataDirectoryHeld', 'DataDirectoryHeld', 'DataDirectoryHeld', 'held',
  ])
})
