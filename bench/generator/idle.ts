// What many connections, each with a channel, or with a consumer besides, many queues, or many bindings of
// one topic exchange cost while nothing happens. Called by generator/main.ts. Invariant: memory is read after
// a pause, so that garbage of the making is mostly gone.
import { setTimeout as delay } from 'node:timers/promises'
import { GeneratorConnection } from './connection.ts'
import type { Answer, IdleJob, MethodCall, Where } from './job.ts'
import { callAll } from './topology.ts'
import { Window } from './window.ts'

const AT_ONCE = 50
const SETTLE_MS = 5_000

export async function runIdle(job: IdleJob, where: Where): Promise<Answer> {
  const control = await GeneratorConnection.open(where.url)
  // A broker that has just started has garbage of that, too.
  await delay(SETTLE_MS)
  const look = new Window(where.pids)
  const startedAt = performance.now()
  const unmake = await makers[job.of](job, control, where)
  const madeSeconds = (performance.now() - startedAt) / 1000
  await delay(SETTLE_MS)
  const answer = look.end({ operations: job.count, seconds: madeSeconds })
  await unmake()
  await control.close()
  return answer
}

type Unmake = () => Promise<void>
type Make = (job: IdleJob, control: GeneratorConnection, where: Where) => Promise<Unmake>

const makers: Readonly<Record<IdleJob['of'], Make>> = {
  connection: (job, _control, where) => connect(job, where, () => Promise.resolve()),
  consumer: consume,
  queue: (job, control) => declare(job, control),
  binding: (job, control) => bind(job, control),
}

async function consume(job: IdleJob, control: GeneratorConnection, where: Where): Promise<Unmake> {
  const queue = `bench-idle-${process.pid}`
  await control.call('queue.declare', { queue, durable: true }, 'queue.declare-ok')
  const unmake = await connect(job, where, async (connection) => {
    await connection.call('basic.consume', { queue }, 'basic.consume-ok')
  })
  return async () => {
    await unmake()
    await control.call('queue.delete', { queue }, 'queue.delete-ok')
  }
}

/** The bindings stay: RabbitMQ 4.3 times out when it deletes a queue or an exchange with so many. */
async function bind(job: IdleJob, control: GeneratorConnection): Promise<Unmake> {
  const [queue, exchange] = [`bench-idle-${process.pid}`, `bench-idle-${process.pid}`]
  const bindings = Array.from({ length: job.count }, (_, n): MethodCall =>
    ['queue.bind', { queue, exchange, 'routing-key': `region.${n}.*.load` }])
  await callAll(control, [
    ['queue.declare', { queue, durable: true }],
    ['exchange.declare', { exchange, type: 'topic', durable: true }], ...bindings,
  ])
  return () => Promise.resolve()
}

async function connect(
  job: IdleJob, where: Where, use: (connection: GeneratorConnection) => Promise<void>,
): Promise<Unmake> {
  const connections: GeneratorConnection[] = []
  while (connections.length < job.count) {
    const next = Array.from({ length: Math.min(AT_ONCE, job.count - connections.length) }, async () => {
      const connection = await GeneratorConnection.open(where.url, 1024)
      await use(connection)
      return connection
    })
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
