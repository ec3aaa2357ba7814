// GET /api/whoami: the user who asks.
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'

export const whoamiEndpoints = [
  endpoint({
    method: 'GET', path: '/api/whoami', access: 'management',
    doc: 'Name and tags of the user who asks.',
    handle: ({ user }) => json({ name: user.name, tags: user.tags, is_internal_user: true }),
  }),
]
