// `leveret check` and `leveret backup` on real directories and against a real server in this process (dist/
// must be built).

import Database from 'better-sqlite3'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startServer } from '../runtime/server.ts'
import type { Logger } from '../runtime/log.ts'
import { checkDatabase } from '../store/sqlite/check.ts'
import { FakeProcess } from '../test/cli/fake-process.ts'
import { readCommandLine } from './command-line.ts'
import { run } from './run.ts'
import type { RunningServer, StartServer } from './surroundings.ts'

const silent: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} }

let directory = ''
let copy = ''
let server: RunningServer | null = null

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-upkeep-'))
  copy = join(directory, 'copy.db')
})

afterEach(async () => {
  await server?.close()
  server = null
  rmSync(directory, { recursive: true, force: true })
})

const notStarted: StartServer = () => Promise.reject(new Error('nothing was to be started'))

async function leveret(words: readonly string[], startWith = notStarted): Promise<FakeProcess> {
  const said = new FakeProcess([...words, '--data', join(directory, 'data')])
  await run(said, startWith)
  return said
}

async function startBroker(): Promise<string> {
  await leveret(['--host', '127.0.0.1', '--amqp-port', '0', '--http-port', '0', '--ballast', '0'],
    async (settings) => (server = await startServer(settings, silent)))
  return server!.httpUrl
}

async function stopBroker(): Promise<void> {
  await server!.close()
  server = null
}

it('check says that a directory is whole, beside its broker and after it', async () => {
  await startBroker()
  expect((await leveret(['check'])).exits).toEqual([0])
  await stopBroker()
  const { stdout, exits } = await leveret(['check'])
  expect(stdout).toMatch(/leveret\.db is whole: 0 messages, 0 queues\n$/)
  expect(exits).toEqual([0])
})

it('check names what is damaged, and ends with 1', async () => {
  await startBroker()
  await stopBroker()
  const db = new Database(join(directory, 'data', 'leveret.db'))
  db.exec('INSERT INTO bodies VALUES (7, zeroblob(5))')
  db.close()
  const { stdout, exits } = await leveret(['check'])
  expect(stdout).toContain('body 7 is used by no message\n')
  expect([stdout, exits]).toEqual([expect.stringContaining('is damaged in 1 places'), [1]])
})

it('check of a directory without a database ends with 73, and makes none', async () => {
  const { stderr, exits } = await leveret(['check'])
  expect([stderr.join(), exits]).toEqual([expect.stringContaining('--data names the directory'), [73]])
  expect(existsSync(join(directory, 'data'))).toBe(false)
})

it('backup asks the broker that holds the directory', async () => {
  const url = await startBroker()
  const port = new URL(url).port
  const { stdout, exits } = await leveret(['backup', copy, '--http-port', port])
  expect([stdout, exits]).toEqual([expect.stringMatching(/copy\.db: \d+ bytes\n$/), [0]])
  expect(checkDatabase(copy).findings).toEqual([])
  const again = await leveret(['backup', copy, '--url', url])
  expect([again.stderr.join(), again.exits]).toEqual([expect.stringContaining('exists already'), [1]])
  expect((await leveret(['backup', copy, '--force', '--url', url])).exits).toEqual([0])
})

it('backup with a wrong password is refused', async () => {
  const url = await startBroker()
  const login = ['--user', 'guest', '--password', 'no']
  const { stderr, exits } = await leveret(['backup', copy, '--url', url, ...login])
  expect([stderr.join(), exits]).toEqual([expect.stringContaining('(401): Not_Authorized'), [77]])
  expect(existsSync(copy)).toBe(false)
})

it('backup copies a directory that nobody holds', async () => {
  await startBroker()
  await stopBroker()
  expect((await leveret(['backup', copy])).exits).toEqual([0])
  expect(checkDatabase(copy).findings).toEqual([])
})

it('backup says what is missing: a file, a database, a broker', async () => {
  expect((await leveret(['backup'])).exits).toEqual([64])
  const nothing = await leveret(['backup', copy])
  expect(nothing.stderr.join()).toContain('there is no database in')
  expect(nothing.exits).toEqual([1])
  const nobody = await leveret(['backup', copy, '--url', 'http://127.0.0.1:1'])
  expect([nobody.stderr.join(), nobody.exits]).toEqual([expect.stringContaining('cannot be asked'), [69]])
})

it('a word after a flag of the settings is its value, not the file', () => {
  const line = readCommandLine(['backup', '--data', 'here', 'there.db', '--user=a=b', '--http-port=1'])
  expect(line.settingsArgv).toEqual(['--data', 'here', '--user=a=b', '--http-port=1'])
  expect([line.command?.words, line.operands, line.options.has('force')]).toEqual(['backup', ['there.db'],
    false])
})
