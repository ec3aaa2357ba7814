// /api/users and /api/user-limits: who may log in, with which tags and limits. Passwords come in the clear or
// as RabbitMQ's hash; only hashes go out.
import { z } from 'zod'
import type { Broker } from '../../broker/broker.ts'
import { describeUser } from '../../broker/definitions-export.ts'
import { readUserLimits } from '../../broker/limits.ts'
import { DEFAULT_HASHING, HASHING_ALGORITHMS, hashPassword } from '../../broker/passwords.ts'
import { Refusal } from '../../broker/refusal.ts'
import type { User } from '../../broker/users.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Listing } from '../answer.ts'
import { whenRecorded } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, noSuchObject } from '../errors.ts'
import { newName, tagList, text } from '../schemas.ts'

const userBody = z.object({
  tags: tagList.optional(), password: text.optional(), password_hash: text.optional(),
  hashing_algorithm: z.enum(HASHING_ALGORITHMS, {
    error: ({ input }) => `${JSON.stringify(input)} is none of ${HASHING_ALGORITHMS.join(', ')}`,
  }).default(DEFAULT_HASHING),
  limits: z.unknown().optional(),
})

/** Errors: HttpError 404. */
export function userNamed(broker: Broker, name: string): User {
  const user = broker.users.get(name)
  if (user === undefined) throw noSuchObject()
  return user
}

function list(users: Iterable<User>): Listing {
  return listing(users, { name: ({ name }) => name, vhost: () => '', show: describeUser })
}

/** Errors: HttpError, Refusal. */
function userOf(broker: Broker, name: string, body: z.infer<typeof userBody>): User {
  const { tags, password, password_hash: given, hashing_algorithm: hashing } = body
  if (tags === undefined) throw badRequest('tags_not_present')
  if (password !== undefined && given !== undefined) {
    throw badRequest('both_password_and_password_hash_are_provided')
  }
  if (given !== undefined && Buffer.from(given, 'base64').toString('base64') !== given) {
    throw badRequest(`not_base64: ${given.slice(0, 100)}`)
  }
  const before = broker.users.get(name)?.limits ?? {}
  const limits = body.limits === undefined ? before : readUserLimits(body.limits)
  if (password === undefined) return { name, tags, limits, hashing, passwordHash: given ?? '' }
  return { name, tags, limits, hashing, passwordHash: hashPassword(password, broker.random, hashing) }
}

const limited = (users: Iterable<User>): Listing => listing(
  [...users].filter(({ limits }) => Object.keys(limits).length > 0),
  { name: ({ name }) => name, vhost: () => '', show: ({ name, limits }) => ({ user: name, value: limits }) })

export const userEndpoints = [
  endpoint({
    method: 'GET', path: '/api/users', access: 'administrator', list: 'paged', doc: 'All users.',
    handle: ({ door }) => list(door.broker.users.values()),
  }),
  endpoint({
    method: 'GET', path: '/api/users/without-permissions', access: 'administrator', list: 'plain',
    doc: 'Users who may enter no vhost.',
    handle({ door: { broker } }) {
      const permitted = new Set(broker.access.permissions().map(({ user }) => user))
      return list([...broker.users.values()].filter(({ name }) => !permitted.has(name)))
    },
  }),
  endpoint({
    method: 'POST', path: '/api/users/bulk-delete', access: 'administrator',
    body: z.object({ users: z.array(z.string()) }),
    doc: 'Deletes the `users` that are there.',
    async handle({ door: { broker }, body }) {
      for (const name of body.users) broker.deleteUser(name)
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
  endpoint({
    method: 'GET', path: '/api/users/:user', access: 'administrator', doc: 'One user.',
    handle: ({ door, params }) => json(describeUser(userNamed(door.broker, params.user))),
  }),
  endpoint({
    method: 'PUT', path: '/api/users/:user', access: 'administrator', body: userBody,
    doc: 'Makes or changes a user: `tags`, and `password` or `password_hash`. Neither: no password fits.',
    async handle({ door: { broker }, params, body }) {
      const isNew = broker.access.putUser(userOf(broker, newName(params.user), body))
      await whenRecorded(broker.records)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/users/:user', access: 'administrator',
    doc: 'Deletes a user with every permission; open connections are closed.',
    async handle({ door: { broker }, params }) {
      if (!broker.deleteUser(params.user)) throw noSuchObject()
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
  endpoint({
    method: 'GET', path: '/api/user-limits', access: 'administrator', list: 'plain',
    doc: 'Users with limits.',
    handle: ({ door }) => limited(door.broker.users.values()),
  }),
  endpoint({
    method: 'GET', path: '/api/user-limits/:user', access: 'administrator', list: 'plain',
    doc: 'The limits of one user, in a list.',
    handle: ({ door, params }) => limited([userNamed(door.broker, params.user)]),
  }),
  endpoint({
    method: 'PUT', path: '/api/user-limits/:user/:limit', access: 'administrator',
    body: z.object({ value: z.unknown() }),
    doc: 'Sets `max-connections` or `max-channels` to `value`; negative is no limit.',
    async handle({ door: { broker }, params, body }) {
      const user = broker.users.get(params.user)
      if (user === undefined) throw new Refusal(`no such user: ${params.user}`)
      const limits = readUserLimits({ ...user.limits, [params.limit]: valueOf(body) })
      broker.access.putUser({ ...user, limits })
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/user-limits/:user/:limit', access: 'administrator', doc: 'Ends a limit.',
    async handle({ door: { broker }, params }) {
      const user = userNamed(broker, params.user)
      const kept = Object.entries(user.limits).filter(([name]) => name !== params.limit)
      broker.access.putUser({ ...user, limits: Object.fromEntries(kept) })
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
]

/** Errors: HttpError when there is none. */
export function valueOf(body: { readonly value?: unknown }): unknown {
  if (body.value === undefined) throw badRequest('[{key_missing,value}]')
  return body.value
}
