// Password hashes as RabbitMQ keeps and exports them: base64 of a 4-byte salt and the digest of salt and
// password. New ones are SHA-256, its default; those that were imported stay as they came, so that users
// go on with their passwords here and there.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '../base/random.ts'

const SALT_BYTES = 4

/** By the names in definitions files, with what node calls them. */
const DIGESTS = {
  rabbit_password_hashing_sha256: 'sha256',
  rabbit_password_hashing_sha512: 'sha512',
  rabbit_password_hashing_md5: 'md5',
} as const

export type HashingAlgorithm = keyof typeof DIGESTS

export const DEFAULT_HASHING: HashingAlgorithm = 'rabbit_password_hashing_sha256'

export const HASHING_ALGORITHMS = Object.keys(DIGESTS) as readonly HashingAlgorithm[]

export function hashPassword(password: string, random: Random, hashing = DEFAULT_HASHING): string {
  return saltedDigest(Buffer.from(password), random.bytes(SALT_BYTES), hashing).toString('base64')
}

/** An empty password never matches, and a user without a hash has none that would (RabbitMQ). */
export function matchesHash(password: Buffer, hash: string, hashing: HashingAlgorithm): boolean {
  const stored = Buffer.from(hash, 'base64')
  if (password.length === 0 || stored.length <= SALT_BYTES) return false
  const expected = saltedDigest(password, stored.subarray(0, SALT_BYTES), hashing)
  return expected.length === stored.length && timingSafeEqual(expected, stored)
}

function saltedDigest(password: Buffer, salt: Buffer, hashing: HashingAlgorithm): Buffer {
  return Buffer.concat([salt, createHash(DIGESTS[hashing]).update(salt).update(password).digest()])
}
