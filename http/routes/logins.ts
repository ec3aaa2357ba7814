// Logging in as RabbitMQ's pages do, hashing a password as its tools ask for, and how many logins there were.
// Invariant: a login gives nothing that the password does not, and is kept nowhere: every request brings the
// password again.
import { hashPassword } from '../../broker/passwords.ts'
import { checkTag } from '../access.ts'
import { json, noContent } from '../answer.ts'
import { logIn } from '../auth.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import type { Door } from '../node-view.ts'
import { formFields } from '../schemas.ts'
import { describeIdentity } from './whoami.ts'

/** Errors: HttpError 404. */
function checkNode({ node }: Door, name: string): void {
  if (name !== node.nodeName) throw noSuchObject()
}

const attempts = ['/api/auth/attempts/:node', '/api/auth/attempts/:node/source'] as const

export const loginEndpoints = [
  endpoint({
    method: 'POST', path: '/api/login', access: 'anonymous', body: formFields,
    doc: 'The form fields `username` and `password`: the user, and what to send as `Authorization: Basic`.',
    async handle({ door: { node }, client, body: { username = '', password = '' } }) {
      const user = await logIn(node, { user: username, password, remoteAddress: client.peer.address })
      checkTag(user, 'management')
      const value = Buffer.from(`${username}:${password}`).toString('base64')
      return json({ user: describeIdentity(user), token: { type: 'basic', value } })
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/login', access: 'anonymous',
    doc: 'Answers 204: nothing was kept that could be ended.',
    handle: () => noContent(),
  }),
  endpoint({
    method: 'GET', path: '/api/auth/hash_password/:password', access: 'administrator', isSafe: false,
    doc: 'A `password_hash` for `PUT /api/users/:user`. Proxies and browsers keep paths, though our log does '
      + 'not keep this one: who sends the password itself there tells it to nobody else.',
    handle: ({ door: { broker }, params }) => json({ ok: hashPassword(params.password, broker.random) }),
  }),
  endpoint({
    method: 'GET', path: attempts[0], access: 'monitoring', list: 'plain',
    doc: 'How many logins there were, by protocol: `http` and `amqp091`.',
    handle({ door, params }) {
      checkNode(door, params.node)
      return json(door.broker.logins.list().map(({ protocol, succeeded, failed }) => ({
        protocol, auth_attempts: succeeded + failed, auth_attempts_failed: failed,
        auth_attempts_succeeded: succeeded,
      })))
    },
  }),
  endpoint({
    method: 'GET', path: attempts[1], access: 'monitoring', list: 'plain',
    doc: 'None: where they come from is not counted, in RabbitMQ neither unless it is told to.',
    handle({ door, params }) {
      checkNode(door, params.node)
      return json([])
    },
  }),
  ...attempts.map((path) => endpoint({
    method: 'DELETE', path, access: 'administrator', doc: 'Counts from 0 again.',
    handle({ door, params }) {
      checkNode(door, params.node)
      door.broker.logins.reset()
      return noContent()
    },
  })),
]
