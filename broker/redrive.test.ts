// Redrive jobs over a real vhost: where messages go, what stays and why, pace, and that no message is ever in
// two places or in none, whatever else happens, restarts in the middle included.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { deathsOf } from '../dlq/death-view.ts'
import type { RedriveJob } from '../dlq/redrive-job.ts'
import type { JobRecord, RedriveOrder } from '../dlq/redrive-record.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { decodeProperties, encodeProperties } from '../protocol/properties.ts'
import type { Properties } from '../protocol/properties.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { Envelope, Message } from '../queues/message.ts'
import type { Window } from '../queues/paged-ready.ts'
import type { Queue } from '../queues/queue.ts'
import { BrokerWorld } from './broker.contract.ts'

const MODEL_SEEDS = 15
const MODEL_STEPS = 50
const SMALL: Window = {
  frontMessages: 4, frontBytes: 1e6, tailMessages: 4, tailBytes: 1e6, pageMessages: 3, pageBytes: 1e6,
}

const ORDER: RedriveOrder = {
  to: { kind: 'died' }, filter: {}, ids: null, keepsHistory: true, ratePerSecond: null, user: 'guest',
}

let world: BrokerWorld

function message(exchange: string, key: string, body: string, properties: Properties = {}): Message {
  const head = encodeProperties({ delivery_mode: 2, ...properties })
  const buf = Buffer.concat([head, Buffer.from(body)])
  const envelope = new Envelope(exchange, key, encodeEnvelope(exchange, key))
  return new Message(envelope, buf, 0, head.length, head.length, buf.length, {
    isPersistent: true, expiresAtMs: Infinity, priority: properties.priority ?? 0, isDeadLetter: false,
  })
}

function publish(exchange: string, key: string, body: string, properties: Properties = {}): void {
  const published = message(exchange, key, body, properties)
  const source = { decodeHeaders: () => properties.headers ?? null, property: () => null }
  const route = world.vhost.findRoute(world.vhost.getExchange(exchange), [key], source)
  world.vhost.publish(route, published)
}

const queueOf = (name: string): Queue => world.vhost.findQueue(name)!
const bodyOf = ({ buf, bodyStart, bodyEnd }: Message): string => buf.toString('utf8', bodyStart, bodyEnd)

async function turns(count = 1): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** Takes what is ready, from the store if need be. */
async function take(queue: Queue): Promise<Message | null> {
  for (;;) {
    const entry = queue.isPaging ? null : queue.get(true)
    if (entry !== null || !queue.isPaging) return entry?.message ?? null
    await new Promise<void>((resolve) => queue.awaitPage({ paged: resolve }))
  }
}

async function drain(name: string): Promise<string[]> {
  const bodies: string[] = []
  for (let taken = await take(queueOf(name)); taken !== null; taken = await take(queueOf(name))) {
    bodies.push(bodyOf(taken))
  }
  return bodies
}

function start(order: Partial<RedriveOrder> = {}, source = 'dlq'): RedriveJob {
  world.broker.turn.begin()
  return world.vhost.redrives.start(queueOf(source), { ...ORDER, ...order }, world.broker.messageIds.last)
}

async function ended(job: RedriveJob): Promise<JobRecord> {
  for (let n = 0; !job.isOver; n++) {
    if (n > 5_000) throw new Error(`the job does not end: ${JSON.stringify(job.record)}`)
    await turns()
  }
  return job.record
}

const deadLettered = tableOf({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dlq' })

/** Declares `work`, whose dead letters go to `dlq`, and what else a test may send to. */
async function open(window?: Window, ofLetters: FieldTable = EMPTY_TABLE): Promise<void> {
  world = await BrokerWorld.start(window)
  world.exchange('xorders', 'topic')
  world.queue('dlq', { args: ofLetters })
  world.queue('other')
  world.queue('work', { args: deadLettered })
  world.bind('xorders', 'work', 'orders.#')
}

async function letters(...bodies: string[]): Promise<void> {
  for (const body of bodies) publish('xorders', `orders.${body}`, body)
  await turns()
  for (let entry = queueOf('work').get(false); entry !== null; entry = queueOf('work').get(false)) {
    queueOf('work').reject(entry)
  }
  await turns()
}

describe('a redrive job', () => {
  beforeEach(() => open())
  afterEach(() => world.broker.rememberDeliveries())

  it('moves dead letters to the queue they died in, in order, with their history', async () => {
    await letters('a', 'b', 'c')
    const job = start()
    expect(await ended(job)).toMatchObject({ state: 'done', moved: 3, stayed: {} })
    expect([queueOf('dlq').readyCount, queueOf('work').readyCount]).toEqual([0, 3])
    const back = await take(queueOf('work'))
    const { headers } = decodeProperties(back!.buf, back!.propertiesStart)
    expect([bodyOf(back!), back!.exchange, back!.routingKey]).toEqual(['a', '', 'work'])
    expect(deathsOf(headers ?? null, back!.isDeadLetter)).toMatchObject([{ queue: 'work', count: 1 }])
  })

  it('counts on when what it moved dies again, and does not move that again', async () => {
    await letters('a')
    await ended(start())
    const { state, moved } = await ended(start({}, 'work'))
    expect([state, moved]).toEqual(['done', 1])
    queueOf('work').reject(queueOf('work').get(false)!)
    const again = await take(queueOf('dlq'))
    const { headers } = decodeProperties(again!.buf, again!.propertiesStart)
    expect(deathsOf(headers ?? null, again!.isDeadLetter)).toMatchObject([{ queue: 'work', count: 2 }])
  })

  it('sends back over the first exchange, as if nothing had died', async () => {
    await letters('a')
    world.bind('xorders', 'other', '*.a')
    expect(await ended(start({ to: { kind: 'origin' }, keepsHistory: false }))).toMatchObject({ moved: 1 })
    for (const name of ['work', 'other']) {
      const back = await take(queueOf(name))
      expect([bodyOf(back!), back!.exchange, back!.routingKey]).toEqual(['a', 'xorders', 'orders.a'])
      expect([back!.isDeadLetter, decodeProperties(back!.buf, back!.propertiesStart).headers?.size])
        .toEqual([false, 0])
    }
  })

  it('moves what a filter lets through, or what was chosen', async () => {
    await letters('a', 'b', 'c', 'd')
    const to = { kind: 'exchange', exchange: '', routingKey: 'other' } as const
    await ended(start({ to, filter: { body: 'b' } }))
    const third = [...queueOf('dlq').ready].find(({ message }) => bodyOf(message) === 'c')!
    await ended(start({ to, ids: [third.id, 999_999] }))
    expect([await drain('other'), await drain('dlq')]).toEqual([['b', 'c'], ['a', 'd']])
  })

  it('leaves what has no way, no room or no right, and says so', async () => {
    await letters('a', 'b', 'c')
    publish('', 'dlq', 'never died')
    world.queue('full', { args: tableOf({ 'x-max-length': 2, 'x-overflow': 'reject-publish' }) })
    const to = (routingKey: string) => ({ kind: 'exchange', exchange: '', routingKey }) as const
    expect(await ended(start({ to: to('nowhere') }))).toMatchObject({ moved: 0, stayed: { unroutable: 4 } })
    expect(await ended(start({ user: 'nobody' }))).toMatchObject({ moved: 0, stayed: { forbidden: 3 } })
    expect(await ended(start({ to: to('full') }))).toMatchObject({ moved: 2, stayed: { full: 2 } })
    expect(await ended(start())).toMatchObject({ moved: 1, stayed: { 'no-history': 1 } })
    expect(await drain('dlq')).toEqual(['never died'])
  })

  it('keeps to its rate', async () => {
    await letters(...Array.from({ length: 30 }, (_, n) => String(n)))
    const job = start({ ratePerSecond: 10 })
    const tick = async (ms: number): Promise<void> => {
      for (let n = 0; n < ms / 100; n++) {
        world.clock.travel(100)
        world.broker.timers.advance(world.clock.monotonicMs)
        await turns(4)
      }
    }
    await tick(1_000)
    expect(job.record.moved).toBeGreaterThanOrEqual(9)
    expect(job.record.moved).toBeLessThanOrEqual(12)
    job.change('paused')
    const { moved } = job.record
    await tick(1_000)
    expect([job.record.moved, job.record.state]).toEqual([moved, 'paused'])
    job.change('running')
    await tick(3_000)
    expect(job.record).toMatchObject({ moved: 30, state: 'done' })
  })

  it('ends as cancelled when it is told to, and then changes no more', async () => {
    await letters('a')
    const job = start({ ratePerSecond: 0.001 })
    expect([job.change('cancelled'), job.change('running'), job.record.state])
      .toEqual([true, false, 'cancelled'])
  })

  it('fails when its queue is deleted', async () => {
    await letters('a', 'b')
    const job = start({ ratePerSecond: 0.001 })
    world.broker.turn.begin()
    world.vhost.removeQueue(queueOf('dlq'))
    job.fire()
    expect(await ended(job)).toMatchObject({ state: 'failed', error: 'the queue is gone' })
  })

  it('goes on after a restart where it stood, and is told of when it is over', async () => {
    await letters('a', 'b', 'c')
    const job = start({ ratePerSecond: 0.001 })
    await turns(10)
    expect(job.record.moved).toBe(1)
    await world.restart()
    const again = world.vhost.redrives.find('dlq', job.id)!
    expect(again.record).toEqual(job.record)
    again.change('cancelled')
    await turns(4)
    await world.restart()
    expect(world.vhost.redrives.of('dlq').map(({ record }) => record.state)).toEqual(['cancelled'])
  })
})

/** Random work on three queues while jobs move messages between them. */
class ModelRun {
  private readonly random: SeededRandom
  private readonly alive = new Set<string>()
  private last = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
  }

  /** What is wrong in the end; null when nothing is. */
  async run(): Promise<string | null> {
    const kind = this.pick([{}, {}, { 'x-queue-type': 'quorum' }, { 'x-max-priority': 3 }])
    await open(this.random.chance(0.7) ? SMALL : undefined, tableOf(kind))
    for (let n = 0; n < MODEL_STEPS; n++) await this.step()
    for (const name of ['dlq', 'work', 'other']) {
      for (const job of world.vhost.redrives.of(name)) {
        if (job.record.state === 'paused') job.change('running')
        await ended(job)
      }
    }
    const left = [...await drain('dlq'), ...await drain('work'), ...await drain('other')]
    const [found, expected] = [left.toSorted().join(' '), [...this.alive].toSorted().join(' ')]
    return found === expected ? null : `found ${found}, expected ${expected}`
  }

  private async step(): Promise<void> {
    const { random } = this
    const roll = random.below(100)
    if (roll < 30) for (let n = random.below(8); n > 0; n--) this.publish()
    else if (roll < 50) await this.settle(this.pick(['dlq', 'work', 'other']), random.chance(0.3))
    else if (roll < 70) this.start()
    else if (roll < 80) this.disturb()
    else if (roll < 84) await world.restart()
    else await turns(random.below(3))
    if (roll % 3 === 0) await turns()
  }

  private publish(): void {
    const body = `m${++this.last}`
    const properties = { headers: tableOf({ kind: this.last % 3 }), priority: this.random.below(6) }
    publish('', this.pick(['work', 'dlq', 'other']), body, properties)
    this.alive.add(body)
  }

  /** Acked or rejected: a letter of `work` goes on, of others it is gone. */
  private async settle(name: string, isAcked: boolean): Promise<void> {
    for (let n = this.random.below(5); n > 0; n--) {
      const queue = queueOf(name)
      if (queue.isPaging) await new Promise<void>((resolve) => queue.awaitPage({ paged: resolve }))
      const entry = queue.isPaging ? null : queue.get(false)
      if (entry === null) return
      if (this.random.chance(0.3)) queue.requeue(entry)
      else {
        if (isAcked || name !== 'work') this.alive.delete(bodyOf(entry.message))
        if (isAcked) queue.settle(entry)
        else queue.reject(entry)
      }
    }
  }

  private start(): void {
    const { random } = this
    const source = this.pick(['dlq', 'dlq', 'work'])
    const routingKey = this.pick(['other', 'dlq', 'work', 'missing'])
    start({
      to: random.chance(0.5) ? { kind: 'died' } : { kind: 'exchange', exchange: '', routingKey },
      filter: random.chance(0.5) ? {} : { headers: { kind: String(random.below(3)) } },
      keepsHistory: random.chance(0.5),
    }, source)
  }

  private disturb(): void {
    for (const job of world.vhost.redrives.of('dlq').slice(0, 3)) {
      job.change(this.pick(['paused', 'running', 'cancelled']))
    }
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random.below(from.length)]!
  }
}

it(`no message is in two places or in none, over ${MODEL_SEEDS} seeds`, async () => {
  const failures: string[] = []
  for (let seed = 1; seed <= MODEL_SEEDS; seed++) {
    const failure = await new ModelRun(seed).run().catch(String)
    if (failure !== null) failures.push(`seed ${seed}: ${failure}`)
  }
  expect(failures).toEqual([])
}, 120_000)
