// kill -9 while three workers take grouped messages, one of which always fails and waits for its retries.
// Afterwards each group goes on where it was, in order, the poison message waits for its time still, and in
// the end every message was done. dist/ must be built.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkDatabase } from '../../store/sqlite/check.ts'
import { ServerProcess } from './server-process.ts'

const GROUPS = ['a', 'b', 'c', 'd', 'e', 'f', 'p']
const MESSAGES = 150
const WORKERS = 3
const RETRY_MS = 2_000
const ARGUMENTS = {
  'x-queue-type': 'quorum', 'x-group-header': 'group', 'x-retry-delay': `${RETRY_MS}`, 'x-retry-attempts': 1,
}

let directory = ''
let server: ServerProcess | null = null
let clients: ChannelModel[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-groups-'))
})

afterEach(async () => {
  await server?.kill('SIGKILL')
  for (const client of clients) await client.close().catch(() => {}) // the broker is gone: most are closed
  rmSync(directory, { recursive: true, force: true })
})

async function openChannel(): Promise<ConfirmChannel> {
  const client = await connect(`amqp://127.0.0.1:${server!.amqpPort}`)
  client.on('error', () => {})
  clients.push(client)
  const channel = await client.createConfirmChannel()
  channel.on('error', () => {})
  return channel
}

async function start(): Promise<ConfirmChannel> {
  clients = []
  server = new ServerProcess(directory)
  await server.started()
  const channel = await openChannel()
  await channel.assertQueue('work', { arguments: ARGUMENTS })
  await channel.assertQueue('marks')
  return channel
}

/** One after the other; the poison message may come again. */
function isInOrder(numbers: readonly number[]): boolean {
  return numbers.every((n, at) => {
    const before = numbers[at - 1]
    return before === undefined || n === before + 1 || (n === 1 && before === 1)
  })
}

/** What one life of the broker handed out. */
class Life {
  /** Of each group, the numbers in the order in which they came. */
  readonly came = new Map(GROUPS.map((group) => [group, [] as number[]]))
  readonly problems: string[] = []
  /** Its failure is on disk. */
  isPoisonKnown = false
  count = 0
  private readonly out = new Set<string>()
  private readonly onSettled: (group: string, n: number) => void

  constructor(onSettled: (group: string, n: number) => void) {
    this.onSettled = onSettled
  }

  async work(): Promise<void> {
    for (let n = 0; n < WORKERS; n++) {
      const channel = await openChannel()
      await channel.prefetch(2)
      await channel.consume('work', (message) => { if (message !== null) this.take(message, channel) })
    }
  }

  private take(message: ConsumeMessage, channel: ConfirmChannel): void {
    const key = message.content.toString()
    const [group, number] = [key.slice(0, 1), key.slice(1)]
    if (this.out.has(group)) this.problems.push(`${group}${number} came while its group was out`)
    this.out.add(group)
    this.came.get(group)!.push(Number(number))
    this.count++
    const isPoison = group === 'p' && number === '1'
    const dueMs = Number(message.properties.headers?.['x-retry-next-at'] ?? 0)
    if (dueMs > Date.now()) this.problems.push(`${group}${number} came before its time`)
    setImmediate(() => {
      this.out.delete(group)
      if (isPoison) return this.fail(message, channel)
      channel.ack(message)
      this.onSettled(group, Number(number))
    })
  }

  private fail(message: ConsumeMessage, channel: ConfirmChannel): void {
    channel.nack(message, false, false)
    // Behind it on the same channel: when this is confirmed, the failure is on disk.
    channel.sendToQueue('marks', Buffer.alloc(0), { persistent: true }, (error) => {
      this.isPoisonKnown ||= error === null
    })
  }
}

test('after kill -9 each group goes on in its order, and a group that waited waits on', async () => {
  const done = new Map(GROUPS.map((group) => [group, new Set<number>()]))
  const settled = (group: string, n: number): void => { done.get(group)!.add(n) }
  const channel = await start()
  for (let n = 1; n <= MESSAGES; n++) {
    for (const group of GROUPS) {
      channel.sendToQueue('work', Buffer.from(`${group}${n}`), { headers: { group } })
    }
  }
  await channel.waitForConfirms()
  const before = new Life(settled)
  await before.work()
  await expect.poll(() => before.count > MESSAGES && before.isPoisonKnown, { timeout: 60_000, interval: 5 })
    .toBe(true)
  await server!.kill('SIGKILL')
  expect(checkDatabase(join(directory, 'leveret.db')).findings).toEqual([])

  await start()
  const after = new Life(settled)
  await after.work()
  await expect.poll(() => [...done.values()].reduce((sum, { size }) => sum + size, 0), { timeout: 60_000 })
    .toBe(GROUPS.length * MESSAGES - 1)
  expect([...before.problems, ...after.problems]).toEqual([])
  for (const group of GROUPS) {
    const [first, second] = [before.came.get(group)!, after.came.get(group)!]
    expect([first, second].map(isInOrder)).toEqual([true, true])
    // What was acked and is not on disk comes again; nothing is left out.
    expect(second[0]).toBeLessThanOrEqual(first.at(-1)! + 1)
  }
  process.stdout.write(`crash: groups: ${before.count} deliveries before kill -9, ${after.count} afterwards, `
    + 'each group in order\n')
}, 120_000)
