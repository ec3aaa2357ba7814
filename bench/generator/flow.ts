// Publishers and consumers at work: warm up, then count over a steady window. Called by generator/main.ts.
// Invariant: a connection per publisher and per consumer, all streaming before the warm-up starts; what was
// declared is removed, whatever lies in it.
import { setTimeout as delay } from 'node:timers/promises'
import { GeneratorConnection } from './connection.ts'
import { Consumer } from './consumer.ts'
import type { Answer, FlowJob, Where } from './job.ts'
import { Publisher } from './publisher.ts'
import type { Budget } from './publisher.ts'
import { Samples } from './samples.ts'
import { callAll, readyIn } from './topology.ts'
import { Window } from './window.ts'

export async function runFlow(job: FlowJob, where: Where): Promise<Answer> {
  const control = await GeneratorConnection.open(where.url)
  await callAll(control, job.declare)
  const { count, messagesMax, perSecond, window } = job.publishers
  const samples = new Samples()
  const consumers: Consumer[] = []
  for (const plan of job.consumers) {
    const connection = await GeneratorConnection.open(where.url)
    const consumer = new Consumer(connection, plan, perSecond > 0 ? samples : null)
    await consumer.start()
    consumers.push(consumer)
  }
  const budget: Budget = { left: messagesMax }
  const publishers: Publisher[] = []
  for (let n = 0; n < count; n++) {
    publishers.push(new Publisher(await GeneratorConnection.open(where.url), job.publishers, budget, samples))
  }
  await Promise.all(publishers.map((publisher) => publisher.start()))

  await delay(job.warmUpMs)
  const look = new Window(where.pids)
  samples.isOn = window > 0 || perSecond > 0
  const before = totals(publishers, consumers)
  await look.last(job.measureMs, () => budget.left <= 0)
  const after = totals(publishers, consumers)
  const answer = look.end({
    published: after.published - before.published,
    confirmed: after.confirmed - before.confirmed,
    consumed: after.consumed - before.consumed,
  })
  const readyAfter = await readyIn(control, job.queues)
  for (const each of [...publishers, ...consumers]) each.stop()
  await callAll(control, job.remove)
  await control.close()
  return { ...answer, readyAfter, latency: samples.latency() }
}

type Totals = Pick<Answer, 'published' | 'confirmed' | 'consumed'>

function totals(publishers: readonly Publisher[], consumers: readonly Consumer[]): Totals {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  return {
    published: sum(publishers.map(({ sent }) => sent)),
    confirmed: sum(publishers.map(({ confirmed }) => confirmed)),
    consumed: sum(consumers.map(({ received }) => received)),
  }
}
