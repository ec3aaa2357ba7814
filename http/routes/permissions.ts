// /api/permissions and /api/topic-permissions: what users may do, by user and vhost.
import { z } from 'zod'
import type { Permission, TopicPermission } from '../../broker/access.ts'
import type { Broker } from '../../broker/broker.ts'
import { checkPattern } from '../../broker/definitions-check.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Answer, Listing } from '../answer.ts'
import { whenRecorded } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, noSuchObject } from '../errors.ts'
import { text } from '../schemas.ts'
import { userNamed } from './users.ts'

interface Granted {
  readonly user: string
  readonly vhost: string
}

interface Permitted extends Granted {
  readonly permission: Permission
}

interface Limited extends Granted {
  readonly topic: TopicPermission
}

const permissionBody = z.object({ configure: text, write: text, read: text })
const topicBody = z.object({ exchange: text, write: text, read: text })

/** Errors: HttpError. */
function checkBoth(broker: Broker, user: string, vhost: string): void {
  if (!broker.users.has(user) || !broker.vhosts.has(vhost)) throw badRequest('vhost_or_user_not_found')
}

function list(rows: readonly Permitted[]): Listing {
  return listing(rows, {
    name: ({ user }) => user, vhost: ({ vhost }) => vhost,
    show: ({ user, vhost, permission }) => ({ user, vhost, ...permission }),
  })
}

function listTopics(rows: readonly Limited[]): Listing {
  return listing(rows, {
    name: ({ user }) => user, vhost: ({ vhost }) => vhost,
    show: ({ user, vhost, topic }) => ({ user, vhost, ...topic }),
  })
}

/** Errors: HttpError 404. */
function topicsOf(broker: Broker, user: string, vhost: string): Limited[] {
  userNamed(broker, user)
  if (!broker.vhosts.has(vhost)) throw noSuchObject()
  return broker.access.topicPermissions().filter((row) => row.user === user && row.vhost === vhost)
}

/** Errors: HttpError 404, also when there is none on any exchange (RabbitMQ). */
function anyTopicsOf(broker: Broker, user: string, vhost: string): Limited[] {
  const topics = topicsOf(broker, user, vhost)
  if (topics.length === 0) throw noSuchObject()
  return topics
}

/** Errors: HttpError. */
async function putTopic(
  broker: Broker, user: string, vhost: string, topic: z.infer<typeof topicBody>,
): Promise<Answer> {
  checkBoth(broker, user, vhost)
  for (const pattern of [topic.write, topic.read]) checkPattern(pattern)
  if (broker.vhosts.get(vhost)?.findExchange(topic.exchange) === null) {
    throw badRequest(`no_such_exchange: ${topic.exchange}`)
  }
  const isNew = topicsOf(broker, user, vhost).length === 0 // on any exchange (RabbitMQ)
  broker.access.limitTopics(user, vhost, topic)
  await whenRecorded(broker.records)
  return put(isNew)
}

const permissionEndpoint = [
  endpoint({
    method: 'GET', path: '/api/permissions/:name/:user', access: 'administrator',
    doc: 'Of a user in a vhost.',
    handle({ door: { broker }, params: { name: vhost, user } }) {
      const { permission } = broker.access.accessOf(user, vhost)
      if (permission === null) throw noSuchObject()
      return json({ user, vhost, ...permission })
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/permissions/:name/:user', access: 'administrator', body: permissionBody,
    doc: 'Permits what the patterns `configure`, `write` and `read` match, and nothing else.',
    async handle({ door: { broker }, params, body }) {
      checkBoth(broker, params.user, params.name)
      for (const pattern of [body.configure, body.write, body.read]) checkPattern(pattern)
      const isNew = broker.access.permit(params.user, params.name, body)
      await whenRecorded(broker.records)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/permissions/:name/:user', access: 'administrator',
    doc: 'Takes every permission in the vhost away, that to enter it too.',
    async handle({ door: { broker }, params }) {
      if (!broker.access.forbid(params.user, params.name)) throw noSuchObject()
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
]

const topicEndpoint = [
  endpoint({
    method: 'GET', path: '/api/topic-permissions/:name/:user', access: 'administrator', list: 'plain',
    doc: 'Of a user in a vhost, one for each exchange.',
    handle: ({ door, params }) => listTopics(anyTopicsOf(door.broker, params.user, params.name)),
  }),
  endpoint({
    method: 'PUT', path: '/api/topic-permissions/:name/:user', access: 'administrator', body: topicBody,
    doc: 'Limits the routing keys of publishes (`write`) and bindings (`read`) on a topic `exchange`.',
    handle: ({ door: { broker }, params, body }) => putTopic(broker, params.user, params.name, body),
  }),
  endpoint({
    method: 'DELETE', path: '/api/topic-permissions/:name/:user', access: 'administrator',
    doc: 'On every exchange.',
    async handle({ door: { broker }, params }) {
      if (!broker.access.unlimitTopics(params.user, params.name, null)) throw noSuchObject()
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
  endpoint({
    method: 'GET', path: '/api/topic-permissions/:name/:user/:exchange', access: 'administrator',
    list: 'plain', doc: 'On one exchange, in a list.',
    handle({ door: { broker }, params }) {
      const topics = anyTopicsOf(broker, params.user, params.name)
      return listTopics(topics.filter(({ topic }) => topic.exchange === params.exchange))
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/topic-permissions/:name/:user/:exchange', access: 'administrator',
    body: topicBody, doc: 'The same as without the exchange in the path: that in the body counts.',
    handle: ({ door: { broker }, params, body }) => putTopic(broker, params.user, params.name, body),
  }),
  endpoint({
    method: 'DELETE', path: '/api/topic-permissions/:name/:user/:exchange', access: 'administrator',
    doc: 'On one exchange.',
    async handle({ door: { broker }, params }) {
      anyTopicsOf(broker, params.user, params.name)
      broker.access.unlimitTopics(params.user, params.name, params.exchange)
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
]

export const permissionEndpoints = [
  endpoint({
    method: 'GET', path: '/api/permissions', access: 'administrator', list: 'plain', doc: 'All permissions.',
    handle: ({ door }) => list(door.broker.access.permissions()),
  }),
  endpoint({
    method: 'GET', path: '/api/users/:user/permissions', access: 'administrator', list: 'plain',
    doc: 'Permissions of a user.',
    handle({ door: { broker }, params }) {
      userNamed(broker, params.user)
      return list(broker.access.permissions().filter(({ user }) => user === params.user))
    },
  }),
  endpoint({
    method: 'GET', path: '/api/vhosts/:name/permissions', access: 'administrator', list: 'plain',
    doc: 'Permissions in a vhost.',
    handle({ door: { broker }, params }) {
      if (!broker.vhosts.has(params.name)) throw noSuchObject()
      return list(broker.access.permissions().filter(({ vhost }) => vhost === params.name))
    },
  }),
  endpoint({
    method: 'GET', path: '/api/topic-permissions', access: 'administrator', list: 'plain',
    doc: 'All topic permissions.',
    handle: ({ door }) => listTopics(door.broker.access.topicPermissions()),
  }),
  endpoint({
    method: 'GET', path: '/api/users/:user/topic-permissions', access: 'administrator', list: 'plain',
    doc: 'Topic permissions of a user.',
    handle({ door: { broker }, params }) {
      userNamed(broker, params.user)
      return listTopics(broker.access.topicPermissions().filter(({ user }) => user === params.user))
    },
  }),
  endpoint({
    method: 'GET', path: '/api/vhosts/:name/topic-permissions', access: 'administrator', list: 'plain',
    doc: 'Topic permissions in a vhost.',
    handle({ door: { broker }, params }) {
      if (!broker.vhosts.has(params.name)) throw noSuchObject()
      return listTopics(broker.access.topicPermissions().filter(({ vhost }) => vhost === params.name))
    },
  }),
  ...permissionEndpoint,
  ...topicEndpoint,
]
