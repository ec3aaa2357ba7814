// docs/storage.md runs: every query in it, on a file that a broker has open, with better-sqlite3 and with the
// sqlite3 shell if this machine has one.

import Database from 'better-sqlite3'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveSettings } from '../broker/config-sources.ts'
import type { Logger } from '../runtime/log.ts'
import { startServer } from '../runtime/server.ts'
import type { RunningServer } from '../runtime/server.ts'

const silent: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} }
const page = readFileSync(join(import.meta.dirname, 'storage.md'), 'utf8')
const queries = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) => sql.trim())
const hasShell = spawnSync('sqlite3', ['--version']).status === 0

let directory = ''
let file = ''
let server: RunningServer

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-storage-'))
  file = join(directory, 'leveret.db')
  const resolved = resolveSettings({ argv: [], env: {}, fileText: null, fileName: null, packageVersion: '0' })
  if (!resolved.ok) throw new Error(resolved.problems.join())
  const here = { host: '127.0.0.1', amqpPort: 0, httpPort: 0, dataDirectory: directory, ballast: 0 }
  server = await startServer({ ...resolved.settings, ...here }, silent)
  await fill(server.amqpUrl)
})

afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

async function fill(url: string): Promise<void> {
  const client = await connect(url)
  const channel = await client.createConfirmChannel()
  await channel.assertQueue('dead', { durable: true })
  await channel.assertQueue('dying', { durable: true, deadLetterExchange: '', deadLetterRoutingKey: 'dead' })
  await channel.assertQueue('orders', { durable: true })
  await channel.assertQueue('once', { arguments: { 'x-message-deduplication': true } })
  channel.sendToQueue('once', Buffer.from('once'), {
    persistent: true, headers: { 'x-deduplication-header': 'k-1' },
  })
  const headers = { tenant: 'acme', deep: { list: [1, -2, { x: 'y' }], no: null }, yes: true, big: 2 ** 40 }
  channel.sendToQueue('orders', Buffer.from('{"order":1}'), {
    persistent: true, contentType: 'application/json', correlationId: 'c-1', expiration: '3600000', headers,
    priority: 3, timestamp: 1_700_000_000, messageId: 'm-1', appId: 'shop', userId: 'guest', type: 'order',
    replyTo: 'answers', contentEncoding: 'identity',
  })
  channel.sendToQueue('orders', Buffer.alloc(0), { persistent: true })
  channel.sendToQueue('orders', Buffer.from('tomorrow'), { headers: { 'x-delay': 86_400_000 } })
  channel.sendToQueue('dying', Buffer.from('letter'), { persistent: true, headers: { a: [] } })
  await channel.waitForConfirms()
  const message = await channel.get('dying')
  if (message !== false) channel.nack(message, false, false)
  // What is declared next is durable after what was dead-lettered before.
  await channel.assertQueue('empty', { durable: true })
  await client.close()
}

function rows(sql: string): Record<string, unknown>[] {
  const db = new Database(file, { readonly: true })
  try {
    return db.prepare<[], Record<string, unknown>>(sql).all()
  } finally {
    db.close()
  }
}

function shellRows(sql: string): Record<string, unknown>[] {
  const { stdout, stderr, status } = spawnSync('sqlite3', ['-json', `file:${file}?mode=ro`, sql])
  if (status !== 0) throw new Error(stderr.toString())
  return stdout.length === 0 ? [] : JSON.parse(stdout.toString()) as Record<string, unknown>[]
}

describe.each(queries)('%s', (sql) => {
  it('answers, and alike in the shell where there is one', () => {
    const answer = rows(sql)
    expect(answer.length > 0 || sql.includes('FROM damaged')).toBe(true)
    expect(hasShell ? shellRows(sql) : answer).toEqual(answer)
  })
})

it('properties and headers are what was published', () => {
  const [first, second] = rows(`SELECT * FROM queue_messages WHERE queue = 'orders' ORDER BY id`)
  expect(first).toMatchObject({
    vhost: '/', queue: 'orders', exchange: '', routing_key: 'orders', size: 11, deliveries: 0,
    is_dead_letter: 0,
    content_type: 'application/json', content_encoding: 'identity', delivery_mode: 2, priority: 3,
    correlation_id: 'c-1', reply_to: 'answers', expiration: '3600000', message_id: 'm-1',
    timestamp: 1_700_000_000, type: 'order', user_id: 'guest', app_id: 'shop', body: '{"order":1}',
  })
  expect(JSON.parse(String(first!['headers']))).toEqual(
    { tenant: 'acme', deep: { list: [1, -2, { x: 'y' }], no: null }, yes: true, big: 2 ** 40 })
  const hourMs = Date.parse(`${String(first!['expires_at'])}Z`) - Date.now()
  expect(hourMs).toBeGreaterThan(3_500_000)
  expect(hourMs).toBeLessThanOrEqual(3_600_000)
  expect(second).toMatchObject({ size: 0, body: '', expires_at: null, correlation_id: null })
})

it('a dead letter shows its history', () => {
  const [letter] = rows('SELECT * FROM dead_letters')
  expect(letter).toMatchObject(
    { queue: 'dead', first_death_queue: 'dying', first_death_reason: 'rejected', body: 'letter' })
  expect(JSON.parse(String(letter!['deaths']))).toMatchObject(
    [{ count: 1, reason: 'rejected', queue: 'dying', exchange: '', 'routing-keys': ['dying'] }])
})

it('queues are counted, empty ones too', () => {
  expect(rows('SELECT name, messages, bytes FROM queues ORDER BY name')).toEqual([
    { name: 'dead', messages: 1, bytes: 6 }, { name: 'dying', messages: 0, bytes: 0 },
    { name: 'empty', messages: 0, bytes: 0 }, { name: 'once', messages: 1, bytes: 4 },
    { name: 'orders', messages: 2, bytes: 11 },
  ])
})
