// A queue filled with a number of confirmed messages while nobody consumes, and, where asked, drained. Called
// by generator/main.ts. Invariant: the fill counts as done when the last message is confirmed; a queue that
// is not drained stays, with what lies in it, for the workload that asked.
import { setTimeout as delay } from 'node:timers/promises'
import { GeneratorConnection } from './connection.ts'
import { Consumer } from './consumer.ts'
import { nothingMeasured } from './job.ts'
import type { Answer, BacklogJob, MessagePlan, PublisherPlan, Where } from './job.ts'
import { Publisher } from './publisher.ts'
import { Samples } from './samples.ts'
import { usageOf } from '../usage.ts'
import { Window } from './window.ts'

const WINDOW = 5_000
const PREFETCH = 1_000
const ACK_EVERY = 100
const LOOK_MS = 5
const SETTLE_MS = 1_000
/** 10 million messages at 20,000/s. */
const BOUND_MS = 500_000

export async function runBacklog(job: BacklogJob, where: Where): Promise<Answer> {
  const { queue, messages, args, phases } = job
  const control = await GeneratorConnection.open(where.url)
  await control.call('queue.declare', { queue, durable: true, arguments: args }, 'queue.declare-ok')
  const look = new Window(where.pids)
  let answer = nothingMeasured
  if (phases !== 'drain') {
    const startedAt = performance.now()
    await fill(job, where)
    const seconds = (performance.now() - startedAt) / 1000
    await delay(SETTLE_MS)
    answer = look.end({ published: messages, confirmed: messages, seconds })
  }
  if (phases !== 'fill') {
    const drained = await drain(job, where)
    await delay(SETTLE_MS)
    await control.call('queue.delete', { queue }, 'queue.delete-ok')
    const { memoryMiB: memoryDrainedMiB } = usageOf(where.pids)
    answer = { ...answer, consumed: messages, ...drained, memoryDrainedMiB }
  }
  await control.close()
  return { ...answer, memoryHighestMiB: usageOf(where.pids).memoryHighestMiB }
}

async function fill(job: BacklogJob, { url }: Where): Promise<void> {
  const { messages, bodyBytes } = job
  const plan: PublisherPlan = {
    count: 1, bodyBytes, window: WINDOW, perSecond: 0, messagesMax: messages, messages: messagesOf(job),
  }
  const connection = await GeneratorConnection.open(url)
  const publisher = new Publisher(connection, plan, { left: messages }, new Samples())
  await publisher.start()
  await reach('every message is confirmed', () => publisher.confirmed === messages)
  publisher.stop()
}

function messagesOf({ queue, isPersistent, headers }: BacklogJob): readonly MessagePlan[] {
  const properties = { 'delivery-mode': isPersistent ? 2 : 1 }
  if (headers === undefined) return [{ exchange: '', key: queue, properties }]
  return headers.map((each) => ({ exchange: '', key: queue, properties: { headers: each, ...properties } }))
}

async function drain(
  { queue, messages }: BacklogJob, { url }: Where,
): Promise<Pick<Answer, 'firstSeconds' | 'drainSeconds'>> {
  const plan = { queue, prefetch: PREFETCH, ackEvery: ACK_EVERY, ackIntervalMs: 0 }
  const startedAt = performance.now()
  const consumer = new Consumer(await GeneratorConnection.open(url), plan, null)
  await consumer.start()
  await reach('the first message is delivered', () => consumer.received > 0)
  const firstSeconds = (performance.now() - startedAt) / 1000
  await reach('every message is delivered', () => consumer.received >= messages)
  const drainSeconds = (performance.now() - startedAt) / 1000
  consumer.stop()
  return { firstSeconds, drainSeconds }
}

async function reach(what: string, isReached: () => boolean): Promise<void> {
  const deadline = performance.now() + BOUND_MS
  while (!isReached()) {
    if (performance.now() > deadline) throw new Error(`not within ${BOUND_MS} ms: ${what}`)
    await delay(LOOK_MS)
  }
}
