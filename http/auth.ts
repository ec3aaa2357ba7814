// Who asks. Statuses and bodies are RabbitMQ's: no credentials → 401 with an empty body, wrong ones → 401
// with `not_authorized`. All carry WWW-Authenticate, as RFC 9110 §15.5.2 demands of a 401 (RabbitMQ leaves it
// out of the second).
import type { User } from '../broker/users.ts'
import { HttpError, notAuthorised } from './errors.ts'
import type { Login, NodeView } from './node-view.ts'

export const CHALLENGE = 'Basic realm="RabbitMQ Management"'

/** No credentials at all: an empty body, where every other refusal has one. */
export class Unauthenticated extends Error {
  override name = 'Unauthenticated'
}

/** By the credentials in a request's head. Errors: Unauthenticated, HttpError. */
export async function authenticate(
  node: NodeView, authorization: string | undefined, remoteAddress: string,
): Promise<User> {
  const given = readBasic(authorization)
  if (given === null) throw new Unauthenticated()
  return logIn(node, { ...given, remoteAddress })
}

/** Errors: HttpError. */
export async function logIn(node: NodeView, login: Login): Promise<User> {
  const authentication = await node.authenticate(login)
  if (authentication.ok) return authentication.user
  if (authentication.why === 'loopback only') throw notAuthorised('User can only log in via localhost')
  throw new HttpError(401, 'not_authorized', 'Not_Authorized')
}

/** RFC 7617: everything up to the first colon is the user. */
function readBasic(authorization: string | undefined): { user: string; password: string } | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return null
  const [, user, password] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  return user === undefined || password === undefined ? null : { user, password }
}
