// Backups of a broker under load (reliability §8, row 21): asked for as `leveret backup` asks, while clients
// publish, ack, reject and change topology. Each ends though commits go on, is whole, and can be started
// from: every message in it is byte for byte one that was published, once, where it belongs.
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Rounds } from '../crash/rounds.ts'
import { ServerProcess } from '../crash/server-process.ts'
import { Peer } from '../peers/peer.ts'
import { countOf, seedOf } from '../programme.ts'
import { hashOf, numberIn, numberedBody } from '../sim/checker.ts'
import { checkDatabase } from '../../store/sqlite/check.ts'

const BACKUPS = countOf('backups')
/** Confirms between two of them. */
const CONFIRMS = 200

let dispose: () => Promise<void> = () => Promise.resolve()
afterEach(() => dispose())

async function backUp({ httpUrl }: ServerProcess, file: string): Promise<void> {
  const response = await fetch(new URL('/api/v1/backup', httpUrl), {
    method: 'POST', body: JSON.stringify({ file, overwrite: false }),
    headers: {
      'authorization': `Basic ${Buffer.from('guest:guest').toString('base64')}`,
      'content-type': 'application/json',
    },
  })
  if (!response.ok) throw new Error(`the backup was refused (${response.status}): ${await response.text()}`)
}

/** A broker on the copy: how many messages it has in a queue, each looked at. */
async function countIntact(server: ServerProcess, queue: string): Promise<number> {
  const peer = await Peer.open(server.amqpPort, 0)
  const seen = new Set<number>()
  for (;;) {
    const { content } = await peer.call('basic.get', { queue, noAck: true })
    if (content === null) break
    const { body } = content
    const number = numberIn(body)
    expect(hashOf(body), `message ${number} of ${queue}`).toBe(hashOf(numberedBody(number, body.length)))
    expect(seen, `message ${number} of ${queue} is there twice`).not.toContain(number)
    seen.add(number)
  }
  peer.destroy()
  return seen.size
}

test('a backup under load ends, is whole, and can be started from', async () => {
  const seed = seedOf('backups')
  const rounds = new Rounds(seed)
  let copy: ServerProcess | null = null
  dispose = async () => {
    await copy?.kill('SIGKILL')
    await rounds.dispose()
  }
  const server = await rounds.start()
  let messages = 0
  for (let n = 1; n <= BACKUPS; n++) {
    await rounds.confirms(CONFIRMS)
    const directory = join(rounds.directory, `copy-${n}`)
    mkdirSync(directory)
    const file = join(directory, 'backup.db')
    await Promise.all([backUp(server, file), rounds.confirms(CONFIRMS)])
    expect(checkDatabase(file).findings).toEqual([])
    renameSync(file, join(directory, 'leveret.db'))
    copy = new ServerProcess(directory)
    await copy.started()
    for (const { name, isDurable } of rounds.load.options.queues) {
      if (isDurable) messages += await countIntact(copy, name)
    }
    await copy.kill('SIGKILL')
    rounds.expectSound(`backup ${n}`)
  }
  process.stdout.write(`backups: ${BACKUPS} under load with ${messages} messages: whole; seed ${seed}\n`)
  expect(messages).toBeGreaterThan(0)
}, 60_000 + BACKUPS * 60_000)
