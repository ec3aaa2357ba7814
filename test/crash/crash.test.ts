// The program itself, killed in mid-load: kill -9, restart on the same data directory, and the simulation's
// checker over all that clients saw (reliability §8, row 3). dist/ must be built. What each process did
// differs from run to run; the seed that is printed gives the same clients.
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { countOf, seedOf } from '../programme.ts'
import { drawQueues } from '../sim/topology.ts'
import { Load } from './load.ts'
import { Rounds } from './rounds.ts'
import { ServerProcess } from './server-process.ts'

const KILLS = countOf('kills')
/** Every so many rounds all is drained, so that a loss is found near to where it happened. */
const ROUNDS_BETWEEN_DRAINS = 5
/** Of a calm Load: two publishers, a consumer for each queue, and one of two queues. */
const CONNECTIONS = 7
const PUBLISHERS = 2
const SUBSCRIPTIONS = 6
const PLAIN = { queues: drawQueues(() => false), clientFault: 0, pollers: 0, architects: 0 }
/** EX_CANTCREAT, as cli/exit-codes.ts has it. */
const DATA_DIRECTORY_REFUSED = 73

let dataDirectory = ''
let running: ServerProcess[] = []
let load: Load | null = null

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'leveret-kill-'))
})

afterEach(async () => {
  load?.stop()
  load = null
  for (const server of running) await server.kill('SIGKILL')
  running = []
  rmSync(dataDirectory, { recursive: true, force: true })
})

async function start(): Promise<ServerProcess> {
  const server = new ServerProcess(dataDirectory)
  running.push(server)
  await server.started()
  return server
}

/** Over `after` more confirms. */
async function confirms(clients: Load, after: number): Promise<void> {
  const goal = clients.checker.counts.confirmed + after
  await clients.until(() => clients.checker.counts.confirmed >= goal || clients.checker.violations.length > 0)
}

test('kills in mid-load lose nothing, and repeat nothing without saying so', async () => {
  const rounds = new Rounds(seedOf('kills'))
  try {
    for (let round = 1; round <= KILLS; round++) {
      const server = await rounds.start()
      await rounds.confirms(200 + rounds.load.world.random.below(2_000))
      if (round % ROUNDS_BETWEEN_DRAINS === 0) {
        await rounds.drain(`round ${round}`)
        rounds.load.begin()
        await rounds.confirms(200)
      }
      expect(await server.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
      await rounds.ended(server, `round ${round}`)
    }
    await rounds.start()
    await rounds.drain('after the last round')
    process.stdout.write(`crash: ${KILLS} kills: ${rounds.summary()}\n`)
    const { confirmed, redelivered } = rounds.load.checker.counts
    expect(confirmed).toBeGreaterThan(KILLS * 200)
    expect(redelivered).toBeGreaterThan(0)
  } finally {
    await rounds.dispose()
  }
}, 60_000 + KILLS * 60_000)

test('SIGTERM under load says 320 and exits 0; after it only what was handed out is flagged', async () => {
  const clients = new Load(1, { ...PLAIN, burstMax: 20, thinkMaxUs: 10_000, prefetchMax: 10 })
  load = clients
  // Calm clients ack all they get and stay connected: everything that was handed out has been seen.
  clients.isCalm = true
  const seen = new Set<string>()
  const flags = { unseen: 0, seen: 0, none: 0 }
  const active = new Set<number>()
  clients.onEvent = (event) => {
    if (event.kind === 'send') active.add(event.publisher)
    if (event.kind !== 'deliver') return
    active.add(event.consumer)
    const copy = `${event.queue} ${event.id}`
    if (!event.isRedelivered) flags.none++
    else if (seen.has(copy)) flags.seen++
    else flags.unseen++
    seen.add(copy)
  }
  clients.begin()
  const first = await start()
  clients.port = first.amqpPort
  await confirms(clients, 600)
  await clients.until(() => active.size === SUBSCRIPTIONS + PUBLISHERS)
  expect(flags).toEqual({ unseen: 0, seen: 0, none: flags.none })
  // Whoever hesitates fills up: something is unacked at the signal, and something was never handed out.
  clients.hesitate()
  await confirms(clients, 10 * SUBSCRIPTIONS + 600)

  const signalledMs = performance.now()
  const exit = await first.kill('SIGTERM')
  expect(performance.now() - signalledMs).toBeLessThan(30_000)
  expect(exit).toEqual({ code: 0, signal: null })
  await clients.ended()
  expect(clients.closes).toEqual(Array.from({ length: CONNECTIONS }, () => 320))

  const before = flags.none
  const second = await start()
  clients.port = second.amqpPort
  clients.goOn()
  await clients.drain()
  expect(clients.checker.violations).toEqual([])
  expect(flags.unseen).toBe(0)
  expect(flags.seen).toBeGreaterThan(0)
  expect(flags.none).toBeGreaterThan(before)
  process.stdout.write(`crash: SIGTERM: ${flags.seen} of those handed out came back flagged, `
    + `${flags.none - before} came for the first time, unflagged\n`)
}, 60_000)

test('a second process on the same data directory is refused in one line and touches nothing', async () => {
  const first = await start()
  const before = await vi.waitUntil(settledContents, { timeout: 15_000, interval: 600 })
  const second = new ServerProcess(dataDirectory)
  running.push(second)
  expect(await second.exit).toEqual({ code: DATA_DIRECTORY_REFUSED, signal: null })
  expect(second.stdout).toBe('')
  expect(second.stderr).toMatch(new RegExp(`^leveret: [^\\n]*in use by process ${first.pid}[^\\n]*\\n$`))
  expect(contents()).toBe(before)
  const clients = new Load(2, { ...PLAIN, burstMax: 5, thinkMaxUs: 1_000, prefetchMax: 10 })
  load = clients
  clients.begin()
  clients.port = first.amqpPort
  await confirms(clients, 100)
  expect(clients.checker.violations).toEqual([])
}, 60_000)

let lastContents = ''

/**
 * The contents once they are the same twice in a row: the store checkpoints when it has been idle for 250
 * ms.
 */
function settledContents(): string | false {
  const now = contents()
  const isSettled = now === lastContents
  lastContents = now
  return isSettled && now
}

/** Names and digests of the files. */
function contents(): string {
  return readdirSync(dataDirectory).toSorted().map((name) => {
    const bytes = readFileSync(join(dataDirectory, name))
    return `${name} ${createHash('sha256').update(bytes).digest('hex')}`
  }).join('\n')
}
