// From a death to the next queue: where a letter goes, what it carries, that one queue has it (§7).
import { describe, expect, it } from 'vitest'
import { Arrivals } from '../base/arrivals.ts'
import { TestClock } from '../base/clock.ts'
import { SeededRandom } from '../base/random.ts'
import { Sequence } from '../base/sequence.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { Binding } from '../exchanges/binding.ts'
import { Exchange } from '../exchanges/exchange.ts'
import { exchangeTypes } from '../exchanges/index.ts'
import { RouteFinder } from '../exchanges/route.ts'
import type { Route } from '../exchanges/route.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeEnvelope } from '../protocol/envelope.ts'
import { tableOf } from '../protocol/table-encode.ts'
import { EMPTY_TABLE } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import type { DeathReason } from '../queues/dead-letter-sink.ts'
import { Envelope, Message } from '../queues/message.ts'
import { RecordingStore, noRetries } from '../queues/queue.contract.ts'
import { WINDOW } from '../queues/paged-ready.ts'
import { Queue } from '../queues/queue.ts'
import { Residence } from '../queues/residence.ts'
import { resolveQueueSettings } from '../queues/settings.ts'
import { decodeHeader, encodeContent } from '../test/amqp/client-codec.ts'
import type { Values } from '../test/amqp/client-codec.ts'
import { DeadLetterer, noDeaths } from './dead-letterer.ts'
import type { DeadLetterTopology } from './dead-letterer.ts'

type Arguments = Parameters<typeof tableOf>[0]

const DLX = 'x-dead-letter-exchange'
const DLRK = 'x-dead-letter-routing-key'

/** Queues and exchanges that dead-letter into one another, over a store that notes what it is told. */
class LetterWorld implements DeadLetterTopology {
  readonly clock = new TestClock()
  readonly store = new RecordingStore()
  readonly exchanges = new Map<string, Exchange>()
  readonly queues = new Map<string, Queue>()
  private readonly scheduled: (() => void)[] = []
  private readonly parts = {
    store: this.store, clock: this.clock, timers: new TimerWheel(0), ids: new Sequence(),
    turn: new Turn(this.clock, (run) => this.scheduled.push(run)),
    deadLetters: new DeadLetterer(this, this.clock, noDeaths()), retries: noRetries, expired: () => {},
    residence: new Residence(1e9), window: WINDOW, arrivals: new Arrivals(this.clock), tracer: null,
  }
  private readonly finder = new RouteFinder<Queue>((name) => this.findExchange(name))

  constructor() {
    this.exchange('', 'direct')
    this.parts.turn.addStore(this.store)
  }

  findExchange(name: string): Exchange | null {
    return this.exchanges.get(name) ?? null
  }

  findRoute(...args: Parameters<DeadLetterTopology['findRoute']>): Route<Queue> {
    return this.finder.find(...args)
  }

  publish({ queues }: Route<Queue>, message: Message): number {
    for (const queue of queues) queue.publish(message)
    return queues.length
  }

  exchange(name: string, type: string): void {
    const flags = { isDurable: true, isAutoDelete: false, isInternal: false }
    const random = new SeededRandom(1)
    this.exchanges.set(name, new Exchange(name, exchangeTypes.get(type)!, flags, EMPTY_TABLE, random))
  }

  queue(name: string, args: Arguments = {}): Queue {
    const flags = { isDurable: true, isAutoDelete: false }
    const queue = new Queue(this.queues.size + 1, name, flags, null, tableOf(args), this.parts)
    this.queues.set(name, queue)
    this.bind('', queue, name)
    return queue
  }

  bind(exchange: string, queue: Queue, routingKey: string, args: FieldTable = EMPTY_TABLE): void {
    this.exchanges.get(exchange)!.router.bind(new Binding(exchange, queue, routingKey, args, true))
  }

  pass(ms: number): void {
    this.settleDown()
    for (let passed = 0; passed < ms; passed += 100) {
      this.clock.travel(100)
      this.parts.timers.advance(this.clock.monotonicMs)
      this.settleDown()
    }
  }

  settleDown(): void {
    for (let run = this.scheduled.shift(); run !== undefined; run = this.scheduled.shift()) run()
  }
}

/** As a publisher's channel makes it. */
function published(
  exchange: string, routingKey: string, properties: Values = {}, body = Buffer.from('body'),
): Message {
  const frames = encodeContent(1, properties, body, 1 << 20)
  const header = new ContentHeader()
  const end = 7 + frames.readUInt32BE(3)
  header.read(frames, 7, end)
  const ttlMs = header.expirationAt < 0 ? Infinity : Number(header.text(header.expirationAt))
  const bodyStart = body.length === 0 ? end : end + 8
  return new Message(
    new Envelope(exchange, routingKey, encodeEnvelope(exchange, routingKey)),
    frames, header.propertiesStart, header.propertiesEnd, bodyStart, bodyStart + body.length, {
      isPersistent: header.deliveryMode === 2, expiresAtMs: new TestClock().nowMs + ttlMs,
      priority: header.priority, isDeadLetter: false,
    })
}

const propertiesOf = ({ buf, propertiesStart, propertiesEnd }: Message): Values =>
  decodeHeader(Buffer.concat([Buffer.alloc(12), buf.subarray(propertiesStart, propertiesEnd)])).properties

const headersOf = (message: Message): FieldTable => propertiesOf(message)['headers'] as FieldTable

function historyOf(message: Message): FieldTable[] {
  const history = headersOf(message).get('x-death')
  return history?.tag === 'A' ? history.value.map((entry) => entry.value as FieldTable) : []
}

const reject = (queue: Queue): void => queue.reject(queue.get(false)!)

/** The one letter in a queue. */
function letterIn(queue: Queue): Message {
  expect(queue.readyCount).toBe(1)
  return queue.get(true)!.message
}

describe('each reason', () => {
  const kill: Record<DeathReason, (world: LetterWorld, source: Queue) => void> = {
    rejected: (_, source) => reject(source),
    expired: (world) => world.pass(200),
    maxlen: (_, source) => source.publish(published('', 'source')),
    delivery_limit: (_, source) => source.requeue(source.get(false)!, 'rejected'),
  }

  it.each(Object.keys(kill) as DeathReason[])('%s: moves the message on and says so', (reason) => {
    const world = new LetterWorld()
    const args = {
      expired: { 'x-message-ttl': 100 }, maxlen: { 'x-max-length': 1 }, rejected: {},
      delivery_limit: { 'x-queue-type': 'quorum', 'x-delivery-limit': 0 },
    }[reason]
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead', ...args })
    const dead = world.queue('dead')
    source.publish(published('', 'source'))
    kill[reason](world, source)
    const letter = letterIn(dead)
    expect([letter.exchange, letter.routingKey, letter.isDeadLetter]).toEqual(['', 'dead', true])
    expect(historyOf(letter).map((entry) => entry.get('reason')?.value)).toEqual([reason])
    expect(headersOf(letter).get('x-last-death-queue')).toEqual({ tag: 'S', value: 'source' })
  })

  it('maxlen: also what reject-publish-dlx refuses', () => {
    const world = new LetterWorld()
    const args = { 'x-max-length': 1, 'x-overflow': 'reject-publish-dlx' }
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead', ...args })
    const dead = world.queue('dead')
    for (const body of ['kept', 'refused']) source.publish(published('', 'source', {}, Buffer.from(body)))
    const letter = letterIn(dead)
    expect(letter.buf.toString('utf8', letter.bodyStart, letter.bodyEnd)).toBe('refused')
  })
})

describe('a message is dropped', () => {
  it('when its dead-letter exchange does not exist, and not when it was declared later', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: 'late' })
    const dead = world.queue('dead')
    for (let n = 0; n < 2; n++) source.publish(published('', 'k'))
    reject(source)
    world.exchange('late', 'fanout')
    world.bind('late', dead, '')
    reject(source)
    expect([source.readyCount, source.unackedCount, dead.readyCount]).toEqual([0, 0, 1])
  })

  it('when its dead-letter exchange has no route', () => {
    const world = new LetterWorld()
    world.exchange('dlx', 'direct')
    const source = world.queue('source', { [DLX]: 'dlx' })
    source.publish(published('', 'source', { deliveryMode: 2 }))
    reject(source)
    expect([source.readyCount, world.store.kept.size]).toEqual([0, 0])
  })
})

describe('the route', () => {
  const copies: Field = { tag: 'A', value: [{ tag: 'S', value: 'copy' }, { tag: 'S', value: 'other' }] }
  const properties = { headers: new Map([['CC', copies]]) }

  it('is that of the message\'s own key and its CC keys when the queue names none', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: '' })
    const [key, copy, other] = [world.queue('key'), world.queue('copy'), world.queue('other')]
    source.publish(published('amq.direct', 'key', properties))
    reject(source)
    expect([key.readyCount, copy.readyCount, other.readyCount]).toEqual([1, 1, 1])
    const letter = letterIn(copy)
    expect([letter.routingKey, headersOf(letter).get('CC')]).toEqual(['key', copies])
    expect(historyOf(letter)[0]!.get('routing-keys')).toEqual(
      { tag: 'A', value: ['key', 'copy', 'other'].map((value) => ({ tag: 'S', value })) })
  })

  it('is that of the queue\'s dead-letter routing key alone when it names one; CC stays', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead' })
    const [dead, copy] = [world.queue('dead'), world.queue('copy')]
    source.publish(published('amq.direct', 'key', properties))
    reject(source)
    expect([dead.readyCount, copy.readyCount]).toEqual([1, 0])
    expect(headersOf(letterIn(dead)).get('CC')).toEqual(copies)
  })

  it('may depend on the headers that the letter has now', () => {
    const world = new LetterWorld()
    world.exchange('dlx', 'headers')
    const source = world.queue('source', { [DLX]: 'dlx' })
    const [rejected, expired] = [world.queue('rejected'), world.queue('expired')]
    for (const queue of [rejected, expired]) {
      world.bind('dlx', queue, '', tableOf({ 'x-match': 'all-with-x', 'x-first-death-reason': queue.name }))
    }
    source.publish(published('', 'source'))
    reject(source)
    expect([rejected.readyCount, expired.readyCount]).toEqual([1, 0])
  })
})

describe('a letter', () => {
  it('has no expiration, remembers it, and lives as long as its new queue allows', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead' })
    const dead = world.queue('dead', { 'x-message-ttl': 1_000 })
    source.publish(published('', 'source', { expiration: '100', messageId: 'm-1' }))
    world.pass(800)
    expect(dead.readyCount).toBe(1)
    const entry = dead.get(false)!
    expect('expiration' in propertiesOf(entry.message)).toBe(false)
    expect(propertiesOf(entry.message)['messageId']).toBe('m-1')
    expect(historyOf(entry.message)[0]!.get('original-expiration')).toEqual({ tag: 'S', value: '100' })
    dead.requeue(entry)
    world.pass(500)
    expect(dead.readyCount).toBe(0)
  })

  it('keeps every other property and header, byte for byte, and its body', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead' })
    const dead = world.queue('dead')
    const headers: FieldTable = new Map<string, Field>([
      ['blob', { tag: 'x', value: Buffer.from([0, 255, 200, 1]) }],
      ['list', { tag: 'A', value: [{ tag: 'V', value: null }, { tag: 'f', value: 0.5 }] }],
      ['price', { tag: 'D', value: { scale: 2, digits: 314 } }],
      ['big', { tag: 'l', value: 2n ** 62n }],
      ['nan', { tag: 'd', value: NaN }],
    ])
    const properties: Values = {
      contentType: 'application/x', contentEncoding: 'br', headers, deliveryMode: 2, priority: 7,
      correlationId: 'c', replyTo: 'r', messageId: 'm', timestamp: 1_700_000_000, type: 't', userId: 'guest',
      appId: 'a', clusterId: 'z',
    }
    const body = Buffer.from([0, 206, 255, 128, 1])
    source.publish(published('', 'source', { ...properties, expiration: '60000' }, body))
    reject(source)
    const letter = letterIn(dead)
    const { headers: _, ...others } = propertiesOf(letter)
    const { headers: __, ...expected } = properties
    expect(others).toEqual(expected)
    expect([...headersOf(letter)].slice(0, headers.size)).toEqual([...headers])
    expect(letter.buf.subarray(letter.bodyStart, letter.bodyEnd)).toEqual(body)
    expect([letter.priority, letter.isPersistent]).toEqual([7, true])
  })

  it('keeps header bytes that are no text as they came', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead' })
    const dead = world.queue('dead')
    const message = published('', 'source', { headers: tableOf({ marker: 'aaaa' }) })
    const at = message.buf.indexOf('aaaa')
    const raw = Buffer.from([0xff, 0xfe, 0x80, 0x00])
    raw.copy(message.buf, at)
    source.publish(message)
    reject(source)
    const letter = letterIn(dead)
    const field = Buffer.concat([Buffer.from('\x06markerS\0\0\0\x04', 'latin1'), raw])
    expect(letter.buf.subarray(letter.propertiesStart, letter.propertiesEnd).includes(field)).toBe(true)
  })

  it('keeps a routing key that is no text as it came', () => {
    const world = new LetterWorld()
    world.exchange('dlx', 'fanout')
    const source = world.queue('source', { [DLX]: 'dlx' })
    const dead = world.queue('dead')
    world.bind('dlx', dead, '')
    const key = Buffer.alloc(255, 0xff)
    const wire = Buffer.concat([Buffer.from('\x08exchange\xff', 'latin1'), key])
    const envelope = new Envelope('exchange', key.toString(), wire)
    source.publish(Object.assign(published('', ''), { envelope }))
    reject(source)
    const expected = Buffer.concat([Buffer.from('\x03dlx\xff', 'latin1'), key])
    expect(letterIn(dead).envelope.wire).toEqual(expected)
  })

  it('without a body, properties and headers gets headers', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead' })
    const dead = world.queue('dead')
    source.publish(published('', 'source', {}, Buffer.alloc(0)))
    reject(source)
    const letter = letterIn(dead)
    expect([letter.bodyBytes, Object.keys(propertiesOf(letter))]).toEqual([0, ['headers']])
  })

  it('is persistent if the message was', () => {
    for (const deliveryMode of [1, 2]) {
      const world = new LetterWorld()
      const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead' })
      const dead = world.queue('dead')
      source.publish(published('', 'source', { deliveryMode }))
      reject(source)
      expect(world.store.kept.size).toBe(deliveryMode - 1)
      expect(letterIn(dead).isPersistent).toBe(deliveryMode === 2)
    }
  })

  it('starts a history of its own, when a client published the message with one', () => {
    const world = new LetterWorld()
    const source = world.queue('source', { [DLX]: '', [DLRK]: 'dead' })
    const dead = world.queue('dead')
    const made = tableOf({ count: 9, queue: 'source', reason: 'rejected' })
    const forged: Field = { tag: 'A', value: [{ tag: 'F', value: made }] }
    const headers = new Map([['x-death', forged], ['x-first-death-queue', forged]])
    source.publish(published('', 'source', { headers }))
    reject(source)
    const letter = letterIn(dead)
    expect(historyOf(letter).map((entry) => entry.get('count')?.value)).toEqual([1])
    expect(headersOf(letter).get('x-first-death-queue')).toEqual({ tag: 'S', value: 'source' })
  })

  it('is put before its original is dropped, in one batch of the store', () => {
    const world = new LetterWorld()
    const args = { [DLX]: '', [DLRK]: 'dead', 'x-message-ttl': 300, 'x-max-length': 2 }
    const source = world.queue('source', args)
    world.queue('dead')
    for (let n = 0; n < 4; n++) source.publish(published('', 'source', { deliveryMode: 2 }))
    world.settleDown()
    const batch = world.store.openBatch
    const before = world.store.log.length
    reject(source)
    expect(world.store.openBatch).toBe(batch)
    expect(world.store.log.slice(before).map((record) => record.split(' ').slice(0, 3).join(' ')))
      .toEqual(['put 2 7', 'drop 1 3'])
    world.pass(500)
    const records = world.store.log.map((record) => record.split(' ').slice(0, 2).join(' '))
    expect(records.filter((record) => record === 'put 2').length).toBe(4)
    const beforeDrops = records.filter((_, at) => records[at + 1] === 'drop 1')
    expect(beforeDrops).toEqual(['put 2', 'put 2', 'put 2', 'put 2'])
  })
})

describe('a chain of dead-letter queues', () => {
  it('is followed to its end, death by death', () => {
    const world = new LetterWorld()
    world.queue('a', { [DLX]: '', [DLRK]: 'b', 'x-max-length': 0 })
    world.queue('b', { [DLX]: '', [DLRK]: 'c', 'x-max-length': 0 })
    world.queue('c', { [DLX]: '', [DLRK]: 'end', 'x-max-length': 0 })
    const end = world.queue('end')
    world.queues.get('a')!.publish(published('', 'a'))
    const letter = letterIn(end)
    expect(historyOf(letter).map((entry) => entry.get('queue')?.value)).toEqual(['c', 'b', 'a'])
    const headers = headersOf(letter)
    expect(headers.get('x-first-death-queue')?.value).toBe('a')
    expect(headers.get('x-last-death-queue')?.value).toBe('c')
  })

  it('of 10,000 deaths in one go needs no deeper stack than one', () => {
    const world = new LetterWorld()
    const settings = resolveQueueSettings(tableOf({ [DLX]: '', [DLRK]: 'round' }))
    const place = { name: 'round', settings }
    let deaths = 0
    let depth = 0
    const topology: DeadLetterTopology = {
      findExchange: (name) => world.findExchange(name),
      findRoute: (...args) => world.findRoute(...args),
      publish(_, letter) {
        expect(++depth).toBe(1)
        if (++deaths < 10_000) letterer.deadLetter(place, letter, 'rejected')
        depth--
        return 1
      },
    }
    const letterer = new DeadLetterer(topology, world.clock, noDeaths())
    letterer.deadLetter(place, published('', 'round'), 'rejected')
    expect(deaths).toBe(10_000)
  })
})

describe('a loop', () => {
  it('of expiries alone ends at the first repetition', () => {
    const world = new LetterWorld()
    const a = world.queue('a', { [DLX]: '', [DLRK]: 'b', 'x-message-ttl': 100 })
    const b = world.queue('b', { [DLX]: '', [DLRK]: 'a', 'x-message-ttl': 100 })
    a.publish(published('', 'a'))
    world.pass(100)
    expect([a.readyCount, b.readyCount]).toEqual([0, 1])
    world.pass(1_000)
    expect([a.readyCount, b.readyCount]).toEqual([0, 0])
  })

  it('that leads straight back ends at once', () => {
    const world = new LetterWorld()
    const a = world.queue('a', { [DLX]: '', 'x-max-length': 1 })
    for (let n = 0; n < 3; n++) a.publish(published('', 'a'))
    expect(a.readyCount).toBe(1)
  })

  it('with a reject in it goes on for ever, and counts', () => {
    const world = new LetterWorld()
    const work = world.queue('work', { [DLX]: '', [DLRK]: 'wait' })
    const wait = world.queue('wait', { [DLX]: '', [DLRK]: 'work', 'x-message-ttl': 100 })
    work.publish(published('', 'work'))
    for (let round = 1; round <= 5; round++) {
      reject(work)
      expect([work.readyCount, wait.readyCount]).toEqual([0, 1])
      world.pass(200)
      expect([work.readyCount, wait.readyCount]).toEqual([1, 0])
    }
    const history = historyOf(letterIn(work))
    expect(history.map((entry) => entry.get('queue')?.value)).toEqual(['wait', 'work'])
    expect(history.map((entry) => entry.get('count')?.value)).toEqual([5, 5])
  })

  it('leaves out only the queue where the message died, not the others of its route', () => {
    const world = new LetterWorld()
    world.exchange('dlx', 'fanout')
    const a = world.queue('a', { [DLX]: 'dlx', 'x-message-ttl': 100 })
    const log = world.queue('log')
    for (const queue of [a, log]) world.bind('dlx', queue, '')
    a.publish(published('', 'a'))
    world.pass(200)
    expect([a.readyCount, log.readyCount]).toEqual([0, 1])
  })
})
