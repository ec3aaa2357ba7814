// /api/definitions, of everything and of one vhost, and /api/global-parameters and /api/parameters, which are
// part of them.
import { z } from 'zod'
import { exportDefinitions, exportVHostDefinitions, parametersOf } from '../../broker/definitions-export.ts'
import { parseDefinitions, scopeDefinitions } from '../../broker/definitions-file.ts'
import { visibleVHosts } from '../access.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { whenRecorded } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { valueOf } from './users.ts'

const query = z.object({ download: z.string().optional() })

/** A browser saves it under the name that it asks for. */
function file(definitions: object, { download }: z.infer<typeof query>): Answer {
  const answer = json(definitions)
  if (download === undefined) return answer
  const name = download.replaceAll(/[^\w.-]/g, '_')
  return { ...answer, headers: { 'content-disposition': `attachment; filename=${name}` } }
}

const globalParameters = [
  endpoint({
    method: 'GET', path: '/api/global-parameters', access: 'policymaker', list: 'plain',
    doc: 'Free-form values, by name.',
    handle: ({ door }) => listing(door.broker.globalParameters, {
      name: ([name]) => name, vhost: () => '', show: ([name, value]) => ({ name, value }),
    }),
  }),
  endpoint({
    method: 'GET', path: '/api/global-parameters/:parameter', access: 'policymaker', doc: 'One of them.',
    handle({ door: { broker }, params: { parameter: name } }) {
      if (!broker.globalParameters.has(name)) throw noSuchObject()
      return json({ name, value: broker.globalParameters.get(name) })
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/global-parameters/:parameter', access: 'policymaker',
    body: z.object({ value: z.unknown() }), doc: 'Keeps any JSON `value`.',
    async handle({ door: { broker }, params, body }) {
      const isNew = broker.putGlobalParameter(params.parameter, valueOf(body))
      await whenRecorded(broker.records)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/global-parameters/:parameter', access: 'policymaker', doc: 'Forgets it.',
    async handle({ door: { broker }, params }) {
      if (!broker.deleteGlobalParameter(params.parameter)) throw noSuchObject()
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
]

export const definitionEndpoints = [
  ...globalParameters,
  endpoint({
    method: 'GET', path: '/api/parameters', access: 'policymaker', list: 'plain',
    doc: 'Operator policies and vhost limits, which RabbitMQ keeps as parameters; set where they belong.',
    handle({ door, user }) {
      const rows = visibleVHosts(door.broker, user).flatMap((vhost) =>
        parametersOf(vhost).map((parameter) => ({ ...parameter, vhost: vhost.name })))
      return listing(rows, { name: () => '', vhost: ({ vhost }) => vhost, show: (row) => row })
    },
  }),
  endpoint({
    method: 'GET', path: '/api/definitions', access: 'administrator', query,
    doc: 'Everything that was declared, in RabbitMQ\'s format: users, vhosts, permissions, policies, queues, '
      + 'exchanges, bindings. `download=FILE` names the file.',
    handle: ({ door, query }) => file(exportDefinitions(door.broker), query),
  }),
  endpoint({
    method: 'POST', path: '/api/definitions', access: 'administrator', body: z.looseObject({}),
    doc: 'Takes in what GET gives, or RabbitMQ\'s file: all of it, or, when it has a mistake, nothing.',
    async handle({ door, body }) {
      await door.importDefinitions(parseDefinitions(body))
      return noContent()
    },
  }),
  endpoint({
    method: 'GET', path: '/api/definitions/:vhost', access: 'administrator', query,
    doc: 'Everything that was declared in one vhost.',
    handle: ({ door, vhost, query }) => file(exportVHostDefinitions(door.broker, vhost), query),
  }),
  endpoint({
    method: 'POST', path: '/api/definitions/:vhost', access: 'administrator', body: z.looseObject({}),
    doc: 'Takes a file in, all of it into this vhost.',
    async handle({ door, vhost, body }) {
      await door.importDefinitions(scopeDefinitions(parseDefinitions(body), vhost.name))
      return noContent()
    },
  }),
]
