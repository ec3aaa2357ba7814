// kill -9 in the middle of publishing to a queue and an exchange that deduplicate. Afterwards everything is
// published again, as a publisher does that does not know what arrived: what was confirmed is refused, what
// was lost is taken, and in the end each message is there once. dist/ must be built.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkDatabase } from '../../store/sqlite/check.ts'
import { ServerProcess } from './server-process.ts'

const MESSAGES = 4_000
/** Confirmed when it dies. */
const KILLED_AFTER = 700
const ARGUMENTS = { 'x-message-deduplication': true, 'x-cache-ttl': 3_600_000 }

let directory = ''
let server: ServerProcess | null = null
let client: ChannelModel | null = null

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-deduplication-'))
})

afterEach(async () => {
  await client?.close().catch(() => {})
  client = null
  await server?.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

async function start(): Promise<ConfirmChannel> {
  server = new ServerProcess(directory)
  await server.started()
  client = await connect(`amqp://127.0.0.1:${server.amqpPort}`)
  client.on('error', () => {})
  const channel = await client.createConfirmChannel()
  channel.on('error', () => {})
  await channel.assertQueue('at-queue', { arguments: ARGUMENTS })
  await channel.assertExchange('once', 'fanout', { arguments: ARGUMENTS })
  await channel.assertQueue('at-exchange', {})
  await channel.bindQueue('at-exchange', 'once', '')
  return channel
}

/** Returns when all are confirmed, or the broker is gone. */
async function publishAll(channel: ConfirmChannel, confirmed: () => void): Promise<void> {
  const ended = new AbortController() // the socket may end before the process is known to have, or after it
  channel.once('close', () => ended.abort())
  for (let n = 0; n < MESSAGES && !ended.signal.aborted && !server!.hasEnded; n++) {
    const options = { persistent: true, headers: { 'x-deduplication-header': n } }
    const heard = (error: unknown): void => { if (error === null) confirmed() }
    channel.publish('', 'at-queue', Buffer.from(String(n)), options, heard)
    channel.publish('once', '', Buffer.from(String(n)), options, heard)
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.race([channel.waitForConfirms().catch(() => {}), server!.exit])
}

test('after kill -9 publishing everything again leaves each message once', async () => {
  const first = await start()
  let count = 0
  await publishAll(first, () => { if (++count === KILLED_AFTER) void server!.kill('SIGKILL') })
  await server!.exit
  expect(checkDatabase(join(directory, 'leveret.db')).findings).toEqual([])

  const channel = await start()
  const before = (await channel.checkQueue('at-queue')).messageCount
  expect(before).toBeGreaterThanOrEqual(KILLED_AFTER / 2 - 1)
  await publishAll(channel, () => {})
  const counts = await Promise.all(['at-queue', 'at-exchange'].map((queue) => channel.checkQueue(queue)))
  expect(counts.map(({ messageCount }) => messageCount)).toEqual([MESSAGES, MESSAGES])
  process.stdout.write(`crash: deduplication: ${before} of ${MESSAGES} messages were there after kill -9, `
    + 'and each once after all were published again\n')
}, 120_000)
