// Slow, silent, many and short-lived clients (reliability §8, rows 7 to 10): the broker lets go of who is
// not there, keeps its memory, and serves the others meanwhile.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ServerProcess } from '../crash/server-process.ts'
import { countOf } from '../programme.ts'
import { Peer, descriptorCount, residentBytes } from './peer.ts'

const HEARTBEAT_S = 1
const MIB = 1024 * 1024
/** A broker that has been busy and is idle again; what V8 keeps is its own affair. */
const SERVED_MIB_MAX = 400
const CONNECTIONS = countOf('connections')
const IDLE_KIB_MAX = 60
const CHURN = countOf('churn')
const AT_ONCE = 20
/** Times the slow consumers' test floods, 100 MiB each. */
const FLOODS = countOf('slow-consumers')

let directory = ''
let server: ServerProcess
let peers: Peer[] = []

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-peers-'))
  server = new ServerProcess(directory)
  await server.started()
}, 30_000)

afterEach(async () => {
  for (const peer of peers) peer.destroy()
  peers = []
  await server.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

async function open(heartbeatS = 0): Promise<Peer> {
  const peer = await Peer.open(server.amqpPort, heartbeatS)
  peers.push(peer)
  return peer
}

async function depth(peer: Peer, queue: string): Promise<number> {
  const { method } = await peer.call('queue.declare', { queue, passive: true })
  return Number(method.args['messageCount'])
}

/** Waits for the messages in queue q, and takes them. */
async function expectReturned(other: Peer, count: number): Promise<void> {
  const silentMs = performance.now()
  await vi.waitUntil(async () => await depth(other, 'q') === count, { timeout: 30_000, interval: 20 })
  // Silence is counted in whole heartbeats, of which the first was begun; the rest is for a busy machine.
  expect(performance.now() - silentMs).toBeLessThan(HEARTBEAT_S * 3_000 + 10_000)
  for (let n = 0; n < count; n++) {
    const { method } = await other.call('basic.get', { queue: 'q' })
    expect(method.args['redelivered']).toBe(true)
  }
  const { content } = await other.call('basic.get', { queue: 'q' })
  expect(content).toBe(null)
}

async function publishThree(): Promise<Peer> {
  const other = await open()
  await other.call('queue.declare', { queue: 'q', durable: true })
  for (let n = 0; n < 3; n++) other.publish('q', Buffer.from(`message ${n}`))
  return other
}

test('a stopped process is closed after its heartbeats, and what it held returns once', async () => {
  const script = fileURLToPath(new URL('./stopped-process.ts', import.meta.url))
  const args = ['--import', 'tsx', script, String(server.amqpPort), String(HEARTBEAT_S)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString() })
    const other = await publishThree()
    await vi.waitUntil(() => said.split('\n').length === 4, { timeout: 15_000 })
    child.kill('SIGSTOP')
    await expectReturned(other, 3)
  } finally {
    child.kill('SIGKILL')
  }
}, 60_000)

test('a client that falls silent is closed after its heartbeats, and what it held returns once', async () => {
  const holding = await open(HEARTBEAT_S)
  const other = await publishThree()
  await holding.call('basic.consume', { queue: 'q' })
  await vi.waitUntil(async () => await depth(other, 'q') === 0, { timeout: 15_000 })
  holding.fallSilent()
  await expectReturned(other, 3)
}, 60_000)

test('a silent client without heartbeats is kept: nobody asked for more', async () => {
  const holding = await open(0)
  const other = await publishThree()
  await holding.call('basic.consume', { queue: 'q' })
  await vi.waitUntil(async () => await depth(other, 'q') === 0, { timeout: 15_000 })
  holding.fallSilent()
  // That nothing happens can only be waited for: longer than the tests above needed.
  await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_S * 4_000))
  expect(await depth(other, 'q')).toBe(0)
}, 30_000)

test('consumers that never read cost no memory, and others are served meanwhile', async () => {
  const [stuck, publisher, other] = [await open(HEARTBEAT_S), await open(), await open()]
  for (const queue of ['slow', 'fast']) await publisher.call('queue.declare', { queue, durable: true })
  await stuck.call('basic.consume', { queue: 'slow', noAck: true })
  stuck.stopReading()
  let served = 0
  other.onHeard = ({ name }) => { if (name === 'basic.deliver') served++ }
  await other.call('basic.consume', { queue: 'fast', noAck: true })
  // A part of such a frame is more than a paused socket is left with.
  const body = Buffer.alloc(100 * 1024, 'x')
  let peakBytes = 0
  let sent = 0
  for (let flood = 0; flood < FLOODS; flood++) {
    for (let n = 0; n < 1_024; n++) {
      publisher.publish('slow', body, true)
      if (n % 16 === 0) {
        publisher.publish('fast', Buffer.from('small'))
        sent++
        peakBytes = Math.max(peakBytes, residentBytes(server.pid))
        await vi.waitUntil(() => publisher.unsentBytes < MIB, { timeout: 60_000, interval: 1 })
      }
    }
  }
  await vi.waitUntil(() => served === sent, { timeout: 60_000 })
  const peakMib = Math.round(peakBytes / MIB)
  process.stdout.write(`slow consumer: ${FLOODS * 100} MiB for one that never reads, ${served} messages `
    + `served beside it, ${peakMib} MiB resident at most\n`)
  expect(peakMib).toBeLessThan(SERVED_MIB_MAX)
}, 60_000 + FLOODS * 60_000)

test('idle connections cost little and are all served', async () => {
  const before = residentBytes(server.pid)
  for (let n = 0; n < CONNECTIONS; n += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, CONNECTIONS - n) }, () => open(60)))
  }
  const kib = (residentBytes(server.pid) - before) / 1024 / CONNECTIONS
  process.stdout.write(`connections: ${CONNECTIONS} idle with heartbeats: ${kib.toFixed(1)} KiB each\n`)
  expect(kib).toBeLessThan(IDLE_KIB_MAX)
  for (const peer of [peers[0]!, peers.at(-1)!]) {
    const { method } = await peer.call('queue.declare', { exclusive: true })
    expect(method.name).toBe('queue.declare-ok')
  }
}, 60_000 + CONNECTIONS * 60)

async function comeAndGo(count: number, leaves: (peer: Peer) => void | Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - n) }, async () => {
      const peer = await Peer.open(server.amqpPort, 60)
      await peer.call('queue.declare', { queue: 'churn', durable: true })
      peer.publish('churn', Buffer.from('hello'), true)
      await leaves(peer)
    }))
  }
}

test('connections that come, publish and go leave no descriptor and no memory behind', async () => {
  const leave = async (peer: Peer): Promise<void> => {
    // Without a word, once it was answered.
    await peer.call('queue.declare', { queue: 'churn', passive: true })
    peer.destroy()
  }
  await comeAndGo(Math.ceil(CHURN / 4), leave)
  const [descriptors, bytes] = [descriptorCount(server.pid), residentBytes(server.pid)]
  await comeAndGo(CHURN, leave)
  await vi.waitUntil(() => descriptorCount(server.pid) <= descriptors, { timeout: 60_000 })
  const grownMib = (residentBytes(server.pid) - bytes) / MIB
  const other = await open()
  expect(await depth(other, 'churn')).toBe(CHURN + Math.ceil(CHURN / 4))
  process.stdout.write(`churn: ${CHURN} connections: 0 descriptors and ${grownMib.toFixed(1)} MiB more\n`)
  expect(grownMib).toBeLessThan(30 + CHURN / 1_000)
}, 60_000 + CHURN * 100)

test('a descriptor that is left behind is seen', async () => {
  await comeAndGo(1, (peer) => peer.destroy())
  const before = descriptorCount(server.pid)
  await comeAndGo(10, (peer) => { peers.push(peer) })
  expect(descriptorCount(server.pid)).toBeGreaterThan(before + 7)
}, 30_000)
