// Users: passwords as RabbitMQ hashes them, who may log in from where, who may enter which vhost.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { BrokerWorld } from './broker.contract.ts'
import { createUser, passwordMatches } from './users.ts'

const password = (text: string): Buffer => Buffer.from(text)

describe('a password', () => {
  const user = createUser('u', 'geheim ü', [], new SeededRandom(1))

  it('is kept as base64 of a 4-byte salt and the SHA-256 of salt and password', () => {
    const bytes = Buffer.from(user.passwordHash, 'base64')
    const salt = bytes.subarray(0, 4)
    expect(bytes.length).toBe(36)
    expect(bytes.subarray(4)).toEqual(createHash('sha256').update(salt).update('geheim ü').digest())
  })

  it('matches itself and nothing else', () => {
    expect(passwordMatches(user, password('geheim ü'))).toBe(true)
    for (const other of ['geheim', 'geheim ü ', 'Geheim ü', '\0']) {
      expect(passwordMatches(user, password(other))).toBe(false)
    }
  })

  it('that is empty never matches', () => {
    const empty = createUser('u', '', [], new SeededRandom(1))
    expect(passwordMatches(empty, password(''))).toBe(false)
    for (const given of ['', 'x']) {
      expect(passwordMatches({ ...empty, passwordHash: '' }, password(given))).toBe(false)
    }
  })

  it('has another hash with another salt', () => {
    const random = new SeededRandom(1)
    const hashes = [1, 2, 3].map(() => createUser('u', 'same', [], random).passwordHash)
    expect(new Set(hashes).size).toBe(3)
  })
})

describe('logging in', () => {
  it('takes the default user from this machine only', async () => {
    const { broker } = await BrokerWorld.start()
    expect(broker.authenticate('guest', password('secret'), true)?.name).toBe('guest')
    expect(broker.authenticate('guest', password('secret'), false)).toBeNull()
  })

  it('takes other users from everywhere', async () => {
    const { broker } = await BrokerWorld.start()
    broker.access.putUser(createUser('u', 'p', [], broker.random))
    expect(broker.authenticate('u', password('p'), false)?.name).toBe('u')
  })

  it('refuses a wrong name, a wrong password and an empty one', async () => {
    const { broker } = await BrokerWorld.start()
    for (const [name, given] of [['guest', 'wrong'], ['guest', ''], ['nobody', 'secret'],
      ['', '']] as const) {
      expect(broker.authenticate(name, password(given), true)).toBeNull()
    }
  })
})

describe('entering a vhost', () => {
  it('is for those with permission', async () => {
    const { broker, vhost } = await BrokerWorld.start()
    expect(broker.enterVHost('/', broker.users.get('guest')!)).toBe(vhost)
    const stranger = createUser('stranger', 'p', [], broker.random)
    expect(() => broker.enterVHost('/', stranger)).toThrow(
      "NOT_ALLOWED - access to vhost '/' refused for user 'stranger'")
  })

  it('names a missing vhost also to those who may enter none', async () => {
    const { broker } = await BrokerWorld.start()
    const stranger = createUser('stranger', 'p', [], broker.random)
    expect(() => broker.enterVHost('nope', stranger)).toThrow('NOT_ALLOWED - vhost nope not found')
    expect(() => broker.enterVHost('', stranger)).toThrow('NOT_ALLOWED - vhost  not found')
  })
})

describe('a restart', () => {
  it('keeps users, passwords, tags and permissions, and makes no second default user', async () => {
    const world = await BrokerWorld.start()
    const before = world.broker.users.get('guest')!
    await world.restart()
    expect([...world.broker.users.values()]).toEqual([before])
    expect(before.tags).toEqual(['administrator'])
    expect(world.broker.authenticate('guest', password('secret'), true)?.name).toBe('guest')
    expect(world.broker.enterVHost('/', before)).toBe(world.vhost)
  })
})
