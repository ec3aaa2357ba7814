// A redrive of dead letters, killed in its middle again and again: after the restart the job goes on by
// itself, and in the end every letter has arrived where it died, none of them twice. dist/ must be built.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import type { ChannelModel } from 'amqplib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { countOf, seedOf } from '../programme.ts'
import { ServerProcess } from './server-process.ts'

const LETTERS = countOf('redrive')
/** More of them take restarts, which a pull request has no time for. */
const KILLS = LETTERS > 10_000 ? 5 : 1
const PUBLISH_WINDOW = 1_000

let dataDirectory = ''
let server: ServerProcess | null = null
let client: ChannelModel | null = null

interface Job { readonly id: number; readonly state: string; readonly moved: number; readonly stayed: object }

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'leveret-redrive-'))
})

afterEach(async () => {
  await client?.close()
  client = null
  await server?.kill('SIGKILL')
  rmSync(dataDirectory, { recursive: true, force: true })
})

async function start(): Promise<ServerProcess> {
  server = new ServerProcess(dataDirectory)
  await server.started()
  return server
}

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${server!.httpUrl}${path}`, {
    method, headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    ...body !== undefined && { body: JSON.stringify(body) },
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

async function readyIn(queue: string): Promise<number> {
  const answer = await call('GET', `/api/queues/%2F/${queue}`) as { messages_ready: number }
  return answer.messages_ready
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: 120_000, interval: 20 })
}

/** Each expires at once in `work`, and loses its expiration on the way to `dead`. */
async function makeLetters(): Promise<void> {
  client = await connect(`amqp://127.0.0.1:${server!.amqpPort}`)
  const channel = await client.createConfirmChannel()
  await channel.assertQueue('dead', { durable: true })
  await channel.assertQueue('work', {
    durable: true, arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' },
  })
  for (let n = 0; n < LETTERS; n++) {
    channel.sendToQueue('work', Buffer.from(String(n)), { persistent: true, expiration: '0' })
    if (n % PUBLISH_WINDOW === 0) await channel.waitForConfirms()
  }
  await channel.waitForConfirms()
  await client.close()
  client = null
  await until(async () => await readyIn('dead') === LETTERS)
}

/** How often each letter is in `work`. */
async function takeAll(): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  client = await connect(`amqp://127.0.0.1:${server!.amqpPort}`)
  const channel = await client.createChannel()
  const expected = await readyIn('work')
  await new Promise<void>((resolve, reject) => {
    let left = expected
    channel.consume('work', (message) => {
      const body = message!.content.toString()
      counts.set(body, (counts.get(body) ?? 0) + 1)
      if (--left === 0) resolve()
    }, { noAck: true }).catch(reject)
  })
  return counts
}

test('a redrive goes on after kill -9: every letter arrives, none twice', async () => {
  let random = seedOf('redrive')
  await start()
  await makeLetters()
  const jobs = '/api/v1/dead-letters/%2F/dead'
  const { id } = await call('POST', `${jobs}/redrive`, { rate: LETTERS / 4 }) as Job
  const job = async (): Promise<Job> => await call('GET', `${jobs}/jobs/${id}`) as Job
  const killedAt: number[] = []
  for (let kill = 1; kill <= KILLS; kill++) {
    random = random * 48_271 % 0x7fff_ffff
    const goal = LETTERS * (kill - 1 + (random % 1000) / 1000) / (KILLS + 1)
    await until(async () => (await job()).moved > goal)
    killedAt.push((await job()).moved)
    await server!.kill('SIGKILL')
    await start()
  }
  await until(async () => (await job()).state !== 'running')
  expect(await job()).toMatchObject({ state: 'done', stayed: {} })
  const counts = await takeAll()
  expect([counts.size, [...counts.values()].filter((count) => count !== 1), await readyIn('dead')])
    .toEqual([LETTERS, [], 0])
  process.stdout.write(`crash: redrive of ${LETTERS} dead letters, killed after ${killedAt.join(', ')}: `
    + 'all arrived, none twice\n')
}, 600_000)
