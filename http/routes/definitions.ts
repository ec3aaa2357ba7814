// /api/definitions, of everything and of one vhost.
import { z } from 'zod'
import { exportDefinitions, exportVHostDefinitions } from '../../broker/definitions-export.ts'
import { parseDefinitions, scopeDefinitions } from '../../broker/definitions-file.ts'
import { json, noContent } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { endpoint } from '../endpoint.ts'

const query = z.object({ download: z.string().optional() })

/** A browser saves it under the name that it asks for. */
function file(definitions: object, { download }: z.infer<typeof query>): Answer {
  const answer = json(definitions)
  if (download === undefined) return answer
  const name = download.replaceAll(/[^\w.-]/g, '_')
  return { ...answer, headers: { 'content-disposition': `attachment; filename=${name}` } }
}

/** The second is an old name that RabbitMQ keeps. */
const everything = ['/api/definitions', '/api/all-configuration'] as const

export const definitionEndpoints = [
  ...everything.map((path) => endpoint({
    method: 'GET', path, access: 'administrator', query,
    doc: 'Everything that was declared, in RabbitMQ\'s format: users, vhosts, permissions, policies, queues, '
      + 'exchanges, bindings. `download=FILE` names the file.',
    handle: ({ door, query }) => file(exportDefinitions(door.broker), query),
  })),
  ...everything.map((path) => endpoint({
    method: 'POST', path, access: 'administrator', body: z.looseObject({}),
    doc: 'Takes in what GET gives, or RabbitMQ\'s file: all of it, or, when it has a mistake, nothing.',
    async handle({ door, body }) {
      await door.importDefinitions(parseDefinitions(body))
      return noContent()
    },
  })),
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
