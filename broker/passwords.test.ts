// Password hashes: RabbitMQ's three, verified with what it made itself.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HASHING_ALGORITHMS, hashPassword, matchesHash } from './passwords.ts'
import { SeededRandom } from '../base/random.ts'

describe('a hash', () => {
  it('that RabbitMQ made is matched by its password', () => {
    const hash = 'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR'
    expect(matchesHash(Buffer.from('test12'), hash, 'rabbit_password_hashing_sha256')).toBe(true)
    expect(matchesHash(Buffer.from('test13'), hash, 'rabbit_password_hashing_sha256')).toBe(false)
  })

  it.each(HASHING_ALGORITHMS)('by %s is salt, then the digest of salt and password', (hashing) => {
    const hash = hashPassword('pw', new SeededRandom(1), hashing)
    const bytes = Buffer.from(hash, 'base64')
    const digest = createHash(hashing.replace('rabbit_password_hashing_', ''))
      .update(bytes.subarray(0, 4)).update('pw').digest()
    expect(bytes.subarray(4)).toEqual(digest)
    expect(matchesHash(Buffer.from('pw'), hash, hashing)).toBe(true)
    expect(matchesHash(Buffer.from('pw '), hash, hashing)).toBe(false)
  })

  it('of the empty password is matched by nothing', () => {
    const hash = hashPassword('', new SeededRandom(1))
    expect(matchesHash(Buffer.alloc(0), hash, 'rabbit_password_hashing_sha256')).toBe(false)
  })

  it('that is empty, or no hash, is matched by nothing', () => {
    for (const hash of ['', 'AAAA', 'AAAAAAA=']) {
      expect(matchesHash(Buffer.from('x'), hash, 'rabbit_password_hashing_sha256')).toBe(false)
    }
  })
})
