// The schema's way from one version to the next, and what openDatabase sets on the file.

import Database from 'better-sqlite3'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase } from './database.ts'
import { DataDirectoryNewer, migrate, migrations } from './migrate.ts'

let directory = ''
let file = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-migrate-'))
  file = join(directory, 'leveret.db')
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

it('a new file gets the current schema', () => {
  const { db } = openDatabase(file)
  expect(db.pragma('user_version', { simple: true })).toBe(migrations.length)
  expect(db.prepare('SELECT count(*) FROM queue_messages').pluck().get()).toBe(0)
  db.close()
})

it('the settings that durability rests on hold on every open', () => {
  openDatabase(file).db.close()
  const { db } = openDatabase(file)
  const names = ['synchronous', 'journal_mode', 'page_size', 'auto_vacuum', 'wal_autocheckpoint', 'mmap_size']
  expect(names.map((name) => db.pragma(name, { simple: true }))).toEqual([2, 'wal', 8192, 2, 0, 0])
  db.close()
})

it('an older file gets only the migrations it has not seen', () => {
  const db = new Database(file)
  migrate(db, ['CREATE TABLE a (x)'])
  migrate(db, ['CREATE TABLE a (x)', 'CREATE TABLE b (x)'])
  expect(db.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['a', 'b'])
  expect(db.pragma('user_version', { simple: true })).toBe(2)
  db.close()
})

it('a migration that fails leaves nothing of those before it', () => {
  const db = new Database(file)
  expect(() => migrate(db, ['CREATE TABLE a (x)', 'CREATE TABLE nonsense'])).toThrow('incomplete input')
  expect(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(0)
  expect(db.pragma('user_version', { simple: true })).toBe(0)
  db.close()
})

it('a file of a newer release is refused and stays as it is', () => {
  const newer = new Database(file)
  newer.pragma(`user_version = ${migrations.length + 1}`)
  newer.close()
  const refused = new DataDirectoryNewer(file, migrations.length + 1, migrations.length)
  expect(() => openDatabase(file)).toThrow(refused)
  expect(refused.message).toContain(`has schema version ${migrations.length + 1}, this Leveret supports`)
  const after = new Database(file)
  expect(after.pragma('journal_mode', { simple: true })).toBe('delete')
  after.close()
})
