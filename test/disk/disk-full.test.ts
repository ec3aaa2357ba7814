// A disk that is full (reliability §8, row 5): a small one, filled by somebody else in mid-load. Confirms
// stop and the process goes on; what waits is handed out, and acks are stored in the ballast's room; with
// room again everything resumes by itself; and the checker, over kills before and after, misses nothing.
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Rounds } from '../crash/rounds.ts'
import type { ServerProcess } from '../crash/server-process.ts'
import { Peer } from '../peers/peer.ts'
import { countOf, seedOf } from '../programme.ts'
import { makeSmallDisk } from './small-disk.ts'

const MIB = 1024 * 1024
const DISK_BYTES = 64 * MIB
const BACKLOG = 200
const DISKS = countOf('full-disks')
/** With the alarm off, what stops publishers is the full disk itself. */
const BALLAST_BYTES = 8 * MIB
const SETTINGS = { LEVERET_BALLAST: String(BALLAST_BYTES), LEVERET_DISK_FREE_LIMIT: '0' }

/** Has a backlog of its own, on a queue that the load doesn't know. */
async function publishBacklog(server: ServerProcess): Promise<Peer> {
  const peer = await Peer.open(server.amqpPort, 0)
  await peer.call('queue.declare', { queue: 'backlog', durable: true })
  await peer.call('confirm.select')
  let confirmed = 0
  const all = new Promise<void>((resolve) => {
    peer.onHeard = ({ args }) => {
      confirmed = args['multiple'] === true ? Number(args['deliveryTag']) : confirmed + 1
      if (confirmed >= BACKLOG) resolve()
    }
  })
  for (let n = 0; n < BACKLOG; n++) peer.publish('backlog', Buffer.alloc(4096, n), true)
  await all
  return peer
}

/** On a connection that publishes nothing. Returns how many came. */
async function takeBacklog(server: ServerProcess, holdsAcks: boolean): Promise<number> {
  const peer = await Peer.open(server.amqpPort, 0)
  let taken = 0
  for (let n = 0; n < BACKLOG; n++) {
    const { method, content } = await peer.call('basic.get', { queue: 'backlog' })
    if (content === null) break
    taken++
    peer.raw.send(1, 'basic.ack', { deliveryTag: method.args['deliveryTag'] ?? 0 })
  }
  // The answer means that what was sent before is on disk, acks included (reliability P2).
  if (holdsAcks) await peer.call('queue.declare', { queue: 'barrier', durable: true })
  peer.destroy()
  return taken
}

/** Also when the test runs out of time: a mount would outlive it. */
let dispose: () => Promise<void> = () => Promise.resolve()
afterEach(() => dispose())

/** Returns how many publishes were confirmed. */
async function fillUp(seed: number): Promise<number> {
  const rounds = new Rounds(seed)
  const disk = makeSmallDisk(rounds.directory, DISK_BYTES)
  dispose = () => rounds.dispose(() => disk.dispose())
  const server = await rounds.start({ ...SETTINGS, ...disk.env })
  const backlog = await publishBacklog(server)
  await rounds.confirms(200)
  // It grows in the first second: a disk that is full before has no room for acks.
  const ballast = join(rounds.directory, 'data', 'leveret.db-ballast')
  await rounds.load.until(() => (statSync(ballast, { throwIfNoEntry: false })?.size ?? 0) >= BALLAST_BYTES)
  disk.fill()
  await rounds.load.until(() => server.stderr.includes('the disk is full') || server.hasEnded)
  assert.ok(!server.hasEnded, `a full disk ended the process: ${server.stderr}`)
  expect(await takeBacklog(server, disk.isReal)).toBe(BACKLOG)
  disk.empty()
  await rounds.confirms(500, () => server.hasEnded)
  assert.ok(!server.hasEnded, `the process ended after a full disk: ${server.stderr}`)
  backlog.destroy()
  await server.kill('SIGKILL')
  await rounds.ended(server, 'after the full disk')

  const again = await rounds.start({ ...SETTINGS, ...disk.env })
  if (disk.isReal) expect(await takeBacklog(again, false)).toBe(0)
  await rounds.drain('after the restart')
  await again.kill('SIGKILL')
  const how = disk.isReal ? `on ${DISK_BYTES / MIB} MiB` : 'by failing writes'
  process.stdout.write(`full disk, ${how}: ${rounds.summary()}\n`)
  await dispose()
  dispose = () => Promise.resolve()
  return rounds.load.checker.counts.confirmed
}

test('a full disk stops confirms and nothing else, and all resumes when there is room', async () => {
  const first = seedOf('full-disks')
  for (let n = 0; n < DISKS; n++) expect(await fillUp(first + n)).toBeGreaterThanOrEqual(700)
}, 60_000 + DISKS * 60_000)
