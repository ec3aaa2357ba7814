// The whole server in this process, over real sockets and, for SQLite, real files (dist/ must be built): what
// is confirmed is there after a restart, stopping is announced, and a start that fails leaves nothing behind.
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import type { ChannelModel } from 'amqplib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveSettings } from '../broker/config-sources.ts'
import type { Settings } from '../broker/config.ts'
import { DataDirectory } from '../store/sqlite/data-directory.ts'
import type { Logger } from './log.ts'
import { startServer } from './server.ts'
import type { RunningServer } from './server.ts'

const silent: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} }

let root = ''
let servers: RunningServer[] = []
let clients: ChannelModel[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'leveret-server-'))
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.removeAllListeners()
  for (const server of servers.splice(0)) await server.close()
  rmSync(root, { recursive: true, force: true })
})

const dataDirectory = (): string => join(root, 'data')

function settingsOf(more: Partial<Settings> = {}): Settings {
  const resolved = resolveSettings({ argv: [], env: {}, fileText: null, fileName: null, packageVersion: '0' })
  if (!resolved.ok) throw new Error(resolved.problems.join())
  const here = { host: '127.0.0.1', amqpPort: 0, httpPort: 0, dataDirectory: dataDirectory(), ballast: 0 }
  return { ...resolved.settings, ...here, ...more }
}

async function start(more: Partial<Settings> = {}): Promise<RunningServer> {
  const server = await startServer(settingsOf(more), silent)
  servers.push(server)
  return server
}

async function stop(server: RunningServer, reason?: string): Promise<void> {
  servers = servers.filter((each) => each !== server)
  await server.close(reason)
}

async function login(server: RunningServer): Promise<ChannelModel> {
  const client = await connect(server.amqpUrl)
  clients.push(client)
  client.on('error', () => {})
  return client
}

/** Disconnects before the test's own stop, which is then no news. */
async function leave(client: ChannelModel): Promise<void> {
  clients = clients.filter((each) => each !== client)
  await client.close()
}

describe.each(['memory', 'sqlite'] as const)('a server with the %s store', (store) => {
  it('takes a persistent message, confirms it, and hands it out', async () => {
    const client = await login(await start({ store }))
    const channel = await client.createConfirmChannel()
    await channel.assertQueue('q', { durable: true })
    channel.sendToQueue('q', Buffer.from('hello'), { persistent: true })
    await channel.waitForConfirms()
    const message = await channel.get('q', { noAck: true })
    expect(message !== false && message.content.toString()).toBe('hello')
  })

  it('serves HTTP beside it, and says that it is ready', async () => {
    const server = await start({ store })
    const answer = await fetch(`${server.httpUrl}/api/health/checks/ready-to-serve-clients`)
    await answer.arrayBuffer()
    expect(answer.status).toBe(200)
  })

  it('tells its clients 320 and why when it stops, and listens no longer', async () => {
    const server = await start({ store })
    const client = await login(server)
    const closed = once(client, 'close') as Promise<[Error & { code?: number }]>
    await stop(server, 'maintenance')
    const [error] = await closed
    expect(error.message).toContain('320 (CONNECTION-FORCED)')
    expect(error.message).toContain("closure with reason 'maintenance'")
    await expect(connect(server.amqpUrl)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(fetch(server.httpUrl)).rejects.toThrow('fetch failed')
  })

  it('makes the user and the vhost that it is told to', async () => {
    const server = await start({ store, defaultUser: 'ann', defaultPass: 'pw', defaultVhost: 'orders' })
    const client = await connect(`${server.amqpUrl.replace('://', '://ann:pw@')}/orders`)
    await leave(client)
    await expect(connect(server.amqpUrl)).rejects.toThrow('403')
  })
})

describe('a restart on the same directory', () => {
  it('brings back topology and confirmed messages, in order; what was handed out says so', async () => {
    const first = await start()
    const client = await login(first)
    const channel = await client.createConfirmChannel()
    await channel.assertExchange('x', 'topic', { durable: true })
    await channel.assertQueue('q', { durable: true })
    await channel.bindQueue('q', 'x', '#')
    for (let n = 0; n < 5; n++) channel.publish('x', `k${n}`, Buffer.from(`m${n}`), { persistent: true })
    channel.publish('x', 'k', Buffer.from('transient'))
    await channel.waitForConfirms()
    await channel.get('q')
    await stop(first)

    const again = await (await login(await start())).createConfirmChannel()
    const back: string[] = []
    for (let n = 0; n < 5; n++) {
      const message = await again.get('q', { noAck: true })
      if (message !== false) {
        const { routingKey, redelivered } = message.fields
        back.push(`${routingKey} ${message.content.toString()}${redelivered ? ' again' : ''}`)
      }
    }
    expect(back).toEqual(['k0 m0 again', 'k1 m1', 'k2 m2', 'k3 m3', 'k4 m4'])
    expect(await again.get('q')).toBe(false)
    again.publish('x', 'new', Buffer.from('routed'))
    await again.waitForConfirms()
    expect((await again.checkQueue('q')).messageCount).toBe(1)
  })

  it('forgets what was acked, and what no disk was to keep', async () => {
    const first = await start()
    const channel = await (await login(first)).createConfirmChannel()
    await channel.assertQueue('q', { durable: true })
    await channel.assertQueue('brief', { durable: false })
    for (const body of ['acked', 'stays']) channel.sendToQueue('q', Buffer.from(body), { persistent: true })
    await channel.waitForConfirms()
    const message = await channel.get('q')
    if (message !== false) channel.ack(message)
    await channel.checkQueue('q')
    await stop(first)

    const again = await (await login(await start())).createChannel()
    const left = await again.get('q', { noAck: true })
    expect(left !== false && left.content.toString()).toBe('stays')
    again.on('error', () => {})
    await expect(again.checkQueue('brief')).rejects.toThrow('404')
  })

  it('lets the history of a dead letter go on, and its time to live run on', async () => {
    const deadLetters = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'work' }
    const first = await start()
    const channel = await (await login(first)).createConfirmChannel()
    await channel.assertQueue('work', { durable: true, arguments: deadLetters })
    await channel.assertQueue('brief', {
      durable: true, arguments: { ...deadLetters, 'x-message-ttl': 300, 'x-dead-letter-routing-key': 'late' },
    })
    await channel.assertQueue('late', { durable: true })
    for (const queue of ['work', 'brief']) channel.sendToQueue(queue, Buffer.from('m'), { persistent: true })
    await channel.waitForConfirms()
    const message = await channel.get('work')
    if (message !== false) channel.reject(message, false)
    expect((await channel.checkQueue('work')).messageCount).toBe(1)
    await stop(first)

    const again = await (await login(await start())).createChannel()
    const returned = await again.get('work')
    if (returned !== false) again.reject(returned, false)
    const twice = await again.get('work', { noAck: true })
    const deaths = twice === false ? [] : twice.properties.headers?.['x-death'] ?? []
    expect(deaths).toMatchObject([{ count: 2, reason: 'rejected', queue: 'work' }])
    await expect.poll(async () => (await again.checkQueue('late')).messageCount, { timeout: 5_000 }).toBe(1)
  })
})

describe('a start that fails', () => {
  let taken: Server
  let port = 0

  beforeEach(async () => {
    taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    port = (taken.address() as AddressInfo).port
  })
  afterEach(async () => {
    taken.close()
    await once(taken, 'close')
  })

  it.each(['amqpPort', 'httpPort'] as const)('because its %s is taken touches no directory', async (key) => {
    await expect(start({ [key]: port })).rejects.toMatchObject({ code: 'EADDRINUSE', port })
    expect(existsSync(dataDirectory())).toBe(false)
  })

  it('because both doors want the same port frees the directory and the port', async () => {
    taken.close()
    await once(taken, 'close')
    await expect(start({ amqpPort: port, httpPort: port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(existsSync(join(dataDirectory(), 'leveret.pid'))).toBe(false)
    const server = await start({ amqpPort: port })
    expect(server.amqpUrl).toBe(`amqp://127.0.0.1:${port}`)
    await stop(server)
    taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
  })

  it('because the directory is held names it, and leaves it to its holder', async () => {
    const holder = await start()
    const channel = await (await login(holder)).createConfirmChannel()
    await channel.assertQueue('q', { durable: true })
    const files = readdirSync(dataDirectory()).toSorted()
    await expect(start()).rejects.toMatchObject({ name: 'DataDirectoryHeld', directory: dataDirectory() })
    expect(readdirSync(dataDirectory()).toSorted()).toEqual(files)
    channel.sendToQueue('q', Buffer.from('still served'), { persistent: true })
    await channel.waitForConfirms()
    expect((await channel.checkQueue('q')).messageCount).toBe(1)
  })
})

it('a stopped server has let go of its directory', async () => {
  await stop(await start())
  const directory = new DataDirectory(dataDirectory())
  directory.release()
  expect(readdirSync(dataDirectory())).not.toContain('leveret.pid')
})

describe('delayed messages', () => {
  it('wait out a restart and come in the order of their times, through any exchange', async () => {
    const before = await start()
    const publisher = await (await login(before)).createConfirmChannel()
    await publisher.assertQueue('later', { durable: true })
    await publisher.bindQueue('later', 'amq.topic', 'a.#')
    const now = Date.now()
    const headers = [{ 'x-delay': 3_600_000 }, { 'x-deliver-at': new Date(now + 900).toISOString() },
      { 'x-delay': 600 }, { 'x-delay': 0 }]
    for (const [n, each] of headers.entries()) {
      publisher.publish('amq.topic', 'a.b', Buffer.from(String(n)), { persistent: true, headers: each })
    }
    await publisher.waitForConfirms()
    expect((await publisher.checkQueue('later')).messageCount).toBe(1)
    await leave(clients.at(-1)!)
    await stop(before)

    const consumer = await (await login(await start())).createChannel()
    const came: [string, number][] = []
    await new Promise<void>((resolve) => {
      void consumer.consume('later', (message) => {
        came.push([message!.content.toString(), Number(message!.properties.headers?.['x-delay'] ?? 0)])
        if (came.length === 3) resolve()
      }, { noAck: true })
    })
    expect(came).toEqual([['3', 0], ['2', -600], ['1', 0]])
    expect(Date.now() - now).toBeGreaterThanOrEqual(900)
    expect(await consumer.purgeQueue('later')).toEqual({ messageCount: 1 })
  })

  it('with a delay that is none close the channel', async () => {
    const client = await login(await start())
    const channel = await client.createChannel()
    const closed = once(channel, 'error')
    channel.publish('', 'nowhere', Buffer.alloc(0), { headers: { 'x-delay': 'soon' } })
    const [error] = await closed as [Error]
    expect(error.message).toContain(
      `406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - invalid x-delay 'soon'`)
  })
})
