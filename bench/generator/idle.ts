// What many connections, each with a channel, or many queues cost while nothing happens. Called by
// generator/main.ts. Invariant: memory is read after a pause, so that garbage of the making is mostly gone.
import { setTimeout as delay } from 'node:timers/promises'
import { GeneratorConnection } from './connection.ts'
import type { Answer, IdleJob, Where } from './job.ts'
import { Window } from './window.ts'

const AT_ONCE = 50
const SETTLE_MS = 3_000

export async function runIdle(job: IdleJob, where: Where): Promise<Answer> {
  const control = await GeneratorConnection.open(where.url)
  const look = new Window(where.pids)
  const startedAt = performance.now()
  const unmake = job.of === 'connection' ? await connect(job, where) : await declare(job, control)
  const madeSeconds = (performance.now() - startedAt) / 1000
  await delay(SETTLE_MS)
  const answer = look.end({ operations: job.count, seconds: madeSeconds })
  await unmake()
  await control.close()
  return answer
}

type Unmake = () => Promise<void>

async function connect(job: IdleJob, where: Where): Promise<Unmake> {
  const connections: GeneratorConnection[] = []
  while (connections.length < job.count) {
    const next = Array.from({ length: Math.min(AT_ONCE, job.count - connections.length) },
      () => GeneratorConnection.open(where.url, 1024))
    connections.push(...await Promise.all(next))
  }
  return async () => {
    for (let at = 0; at < connections.length; at += AT_ONCE) {
      await Promise.all(connections.slice(at, at + AT_ONCE).map((connection) => connection.close()))
    }
  }
}

async function declare(job: IdleJob, control: GeneratorConnection): Promise<Unmake> {
  const name = (n: number): string => `bench-idle-${process.pid}-${n}`
  await forEachAtOnce(job.count, (n) =>
    control.call('queue.declare', { queue: name(n), durable: true }, 'queue.declare-ok'))
  return () => forEachAtOnce(job.count, (n) =>
    control.call('queue.delete', { queue: name(n) }, 'queue.delete-ok'))
}

async function forEachAtOnce(count: number, run: (n: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, n) => run(at + n)))
  }
}
