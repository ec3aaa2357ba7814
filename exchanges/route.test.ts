// Routing through several exchanges: cycles end, each queue gets one copy, alternates take what found
// nothing.
import { array, assert, integer, property, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_TABLE } from '../protocol/table.ts'
import { tableOf } from '../protocol/table-encode.ts'
import type { Destination } from './binding.ts'
import { direct } from './direct.ts'
import type { Exchange } from './exchange.ts'
import { bindingTo, exchangeOf, headersOf, queueNamed } from './exchange.contract.ts'
import { fanout } from './fanout.ts'
import { headers } from './headers.ts'
import { exchangeTypes } from './index.ts'
import { random } from './random.ts'
import { recentHistory } from './recent-history.ts'
import { RouteFinder } from './route.ts'
import { topic } from './topic.ts'

class World {
  private readonly exchanges = new Map<string, Exchange>()
  readonly finder = new RouteFinder<Destination>((name) => this.exchanges.get(name) ?? null)

  add(name: string, type = fanout, alternate: string | null = null): Exchange {
    const args = alternate === null ? EMPTY_TABLE : tableOf({ 'alternate-exchange': alternate })
    const exchange = exchangeOf(type, name, args)
    this.exchanges.set(name, exchange)
    return exchange
  }

  routed(start: Exchange, keys: readonly string[] = ['k'], message = EMPTY_TABLE): string[] {
    return this.finder.find(start, keys, headersOf(message)).queues.map(({ name }) => name).toSorted()
  }
}

it('follows bindings from exchange to exchange', () => {
  const world = new World()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => world.add(name))
  a!.bind(bindingTo(b!, ''))
  b!.bind(bindingTo(c!, ''))
  c!.bind(bindingTo(queueNamed('q'), ''))
  expect(world.routed(a!)).toEqual(['q'])
})

it('gives a queue one copy however many ways lead to it', () => {
  const world = new World()
  const [a, b] = ['a', 'b'].map((name) => world.add(name))
  const queue = queueNamed('q')
  for (const exchange of [a!, b!]) for (const key of ['1', '2']) exchange.bind(bindingTo(queue, key))
  a!.bind(bindingTo(b!, ''))
  expect(world.routed(a!)).toEqual(['q'])
})

it('passes each exchange once, also in a circle', () => {
  const world = new World()
  const [a, b] = ['a', 'b'].map((name) => world.add(name))
  a!.bind(bindingTo(a!, ''))
  a!.bind(bindingTo(b!, ''))
  b!.bind(bindingTo(a!, ''))
  b!.bind(bindingTo(queueNamed('q'), ''))
  expect(world.routed(a!)).toEqual(['q'])
  expect(world.routed(b!)).toEqual(['q'])
})

it('reaches exactly the queues that a search through all bindings reaches', () => {
  const edges = array(tuple(integer({ min: 0, max: 5 }), integer({ min: 0, max: 11 })), { maxLength: 25 })
  assert(property(edges, (edges) => {
    const world = new World()
    const exchanges = Array.from({ length: 6 }, (_, n) => world.add(`x${n}`))
    const queues = Array.from({ length: 6 }, (_, n) => queueNamed(`q${n}`))
    for (const [from, to] of edges) exchanges[from]!.bind(bindingTo(exchanges[to] ?? queues[to - 6]!, ''))
    const reached = new Set([0])
    for (const at of reached) for (const [from, to] of edges) if (from === at) reached.add(to)
    expect(world.routed(exchanges[0]!))
      .toEqual([...reached].filter((n) => n > 5).map((n) => `q${n - 6}`).toSorted())
  }), { numRuns: 300 })
})

it('tries every key, one copy per queue', () => {
  const world = new World()
  const start = world.add('a', direct)
  const q = queueNamed('q')
  for (const [name, key] of [['q', 'one'], ['q', 'two'], ['r', 'two'], ['s', 'three']] as const) {
    start.bind(bindingTo(name === 'q' ? q : queueNamed(name), key))
  }
  expect(world.routed(start, ['one', 'two', 'none'])).toEqual(['q', 'r'])
})

it('gives lists that the next routing does not change', () => {
  const world = new World()
  const start = world.add('a', direct)
  start.bind(bindingTo(queueNamed('q'), 'one'))
  const route = world.finder.find(start, ['one'], headersOf(null))
  world.finder.find(start, ['two'], headersOf(null))
  expect(route.queues.map(({ name }) => name)).toEqual(['q'])
})

describe('an alternate exchange', () => {
  it('takes what its exchange routes nowhere', () => {
    const world = new World()
    const start = world.add('a', direct, 'alt')
    start.bind(bindingTo(queueNamed('q'), 'known'))
    world.add('alt').bind(bindingTo(queueNamed('lost'), ''))
    expect(world.routed(start, ['known'])).toEqual(['q'])
    expect(world.routed(start, ['unknown'])).toEqual(['lost'])
  })

  it('is asked with the same key', () => {
    const world = new World()
    const start = world.add('a', direct, 'alt')
    world.add('alt', topic).bind(bindingTo(queueNamed('q'), 'k.#'))
    expect(world.routed(start, ['k.1'])).toEqual(['q'])
    expect(world.routed(start, ['x'])).toEqual([])
  })

  it('is not asked when the exchange leads to an exchange that routes nowhere', () => {
    const world = new World()
    const start = world.add('a', fanout, 'alt')
    start.bind(bindingTo(world.add('empty'), ''))
    world.add('alt').bind(bindingTo(queueNamed('lost'), ''))
    expect(world.routed(start)).toEqual([])
  })

  it('is not asked when everything that matches has been reached before', () => {
    const world = new World()
    const [a, b] = [world.add('a'), world.add('b', fanout, 'alt')]
    const queue = queueNamed('q')
    for (const exchange of [a, b]) exchange.bind(bindingTo(queue, ''))
    a.bind(bindingTo(b, ''))
    world.add('alt').bind(bindingTo(queueNamed('lost'), ''))
    expect(world.routed(a)).toEqual(['q'])
  })

  it('counts for an exchange on the way, too', () => {
    const world = new World()
    const [start, middle] = [world.add('a'), world.add('m', direct, 'alt')]
    start.bind(bindingTo(middle, ''))
    start.bind(bindingTo(queueNamed('q'), ''))
    world.add('alt').bind(bindingTo(queueNamed('lost'), ''))
    expect(world.routed(start)).toEqual(['lost', 'q'])
  })

  it('may have an alternate itself', () => {
    const world = new World()
    const start = world.add('a', direct, 'b')
    world.add('b', direct, 'c')
    world.add('c').bind(bindingTo(queueNamed('lost'), ''))
    expect(world.routed(start)).toEqual(['lost'])
  })

  it('that is missing, or the exchange itself, is no error', () => {
    const world = new World()
    expect(world.routed(world.add('a', direct, 'nowhere'))).toEqual([])
    expect(world.routed(world.add('b', direct, 'b'))).toEqual([])
  })

  it('that is named as the default exchange routes nowhere', () => {
    const world = new World()
    world.add('', direct).bind(bindingTo(queueNamed('k'), 'k'))
    expect(world.routed(world.add('a', direct, ''), ['k'])).toEqual([])
  })

  it('that is no string counts as none', () => {
    expect(exchangeOf(direct, 'a', tableOf({ 'alternate-exchange': 1 })).alternateName).toBeNull()
  })
})

describe('a route', () => {
  it('may be remembered unless an exchange on its way reads headers', () => {
    const world = new World()
    const [start, reading] = [world.add('a'), world.add('h', headers)]
    expect(world.finder.find(start, ['k'], headersOf(null)).isCacheable).toBe(true)
    expect(world.finder.find(reading, ['k'], headersOf(null)).isCacheable).toBe(false)
    start.bind(bindingTo(reading, ''))
    expect(world.finder.find(start, ['k'], headersOf(null)).isCacheable).toBe(false)
  })

  it('may not be remembered when an alternate reads headers', () => {
    const world = new World()
    const start = world.add('a', direct, 'h')
    world.add('h', headers)
    expect(world.finder.find(start, ['k'], headersOf(null)).isCacheable).toBe(false)
  })
})

describe('an exchange with a filter', () => {
  function filtered(): { world: World; start: Exchange } {
    const world = new World()
    const [start, once] = [world.add('a', direct, 'c'), world.add('b', fanout)]
    once.filter = { knows: (key) => key === 'known' }
    world.add('c', fanout).bind(bindingTo(queueNamed('stray'), ''))
    start.bind(bindingTo(once, 'k'))
    once.bind(bindingTo(queueNamed('q'), ''))
    return { world, start }
  }
  const find = (key: string | null): ReturnType<World['finder']['find']> => {
    const { world, start } = filtered()
    return world.finder.find(start, ['k'], headersOf(null), key)
  }

  it('lets pass what it does not know, and is to be told of it', () => {
    const { queues, sightings } = find('new')
    expect(queues.map(({ name }) => name)).toEqual(['q'])
    expect([sightings?.first.map(({ name }) => name), sightings?.repeated]).toEqual([['b'], []])
  })

  it('stops what it knows, which goes to no alternate either', () => {
    const { queues, sightings } = find('known')
    expect([queues, sightings?.first, sightings?.repeated.map(({ name }) => name)]).toEqual([[], [], ['b']])
  })

  it('lets everything pass that has no key, and no route by it may be remembered', () => {
    expect(find(null)).toMatchObject({ sightings: null, isCacheable: false, queues: [{ name: 'q' }] })
  })
})

it('asks a type that chooses once, however many keys a message has', () => {
  const world = new World()
  const start = world.add('a', random)
  for (const name of ['q', 'r', 's', 't']) start.bind(bindingTo(queueNamed(name), ''))
  const chosen = Array.from({ length: 20 }, () => world.routed(start, ['one', 'two', 'three']).length)
  expect(new Set(chosen)).toEqual(new Set([1]))
})

it('says where a message is to be kept, also behind another exchange', () => {
  const world = new World()
  const [start, keeping] = [world.add('a'), world.add('h', recentHistory)]
  start.bind(bindingTo(keeping, ''))
  expect(world.finder.find(start, ['k'], headersOf(null)).histories).toEqual([keeping.router.history])
  expect(world.finder.find(world.add('b'), ['k'], headersOf(null)).histories).toEqual([])
})

it('knows the four types of AMQP and those of RabbitMQ', () => {
  expect([...exchangeTypes.keys()]).toEqual(['direct', 'fanout', 'topic', 'headers', 'x-consistent-hash',
    'x-modulus-hash', 'x-random', 'x-local-random', 'x-recent-history', 'x-message-deduplication',
    'x-delayed-message'])
})
