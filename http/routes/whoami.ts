// GET /api/whoami: the user who asks.
import type { User } from '../../broker/users.ts'
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'

export const whoamiEndpoints = [
  endpoint({
    method: 'GET', path: '/api/whoami', access: 'management',
    doc: 'Name and tags of the user who asks.',
    handle: ({ user }) => json(describeIdentity(user)),
  }),
]

export function describeIdentity({ name, tags }: User): object {
  return { name, tags, is_internal_user: true }
}
