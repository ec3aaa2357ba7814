// Users and what they may enter. Passwords are kept as RabbitMQ's default hash, so that its definitions can
// move here: base64 of a 4-byte salt and the SHA-256 of salt and password.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '../base/random.ts'

const SALT_BYTES = 4

export interface User {
  readonly name: string
  readonly passwordHash: string
  readonly tags: readonly string[]
}

export function createUser(name: string, password: string, tags: readonly string[], random: Random): User {
  return { name, passwordHash: hashPassword(password, random.bytes(SALT_BYTES)), tags }
}

/** An empty password never matches (RabbitMQ). */
export function passwordMatches(user: User, password: Buffer): boolean {
  const stored = Buffer.from(user.passwordHash, 'base64')
  if (password.length === 0 || stored.length <= SALT_BYTES) return false
  const expected = saltedHash(password, stored.subarray(0, SALT_BYTES))
  return expected.length === stored.length && timingSafeEqual(expected, stored)
}

function hashPassword(password: string, salt: Buffer): string {
  return saltedHash(Buffer.from(password), salt).toString('base64')
}

function saltedHash(password: Buffer, salt: Buffer): Buffer {
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()])
}
