// Who may ask. Statuses and bodies are RabbitMQ's: no credentials → 401 with an empty body, wrong ones → 401
// with `not_authorized`, right ones without the right tag → 401 (never 403) with the British
// `not_authorised`. All carry WWW-Authenticate, as RFC 9110 §15.5.2 demands of a 401 (RabbitMQ leaves it out
// of the last two).

import type { BrokerView, Caller } from './broker-view.ts'

export const CHALLENGE = 'Basic realm="RabbitMQ Management"'

/** Any of these opens the HTTP API (RabbitMQ: management and the tags that imply it). */
const managementTags = ['administrator', 'monitoring', 'policymaker', 'management']

/** A body for the 401, or null for an empty one. */
export type Refusal = { readonly error: string; readonly reason: string } | null

export type Admission = { readonly caller: Caller } | { readonly refusal: Refusal }

export async function admit(view: BrokerView, authorization: string | undefined, remoteAddress: string,
): Promise<Admission> {
  const given = readBasic(authorization)
  if (given === null) return { refusal: null }
  const authentication = await view.authenticate({ ...given, remoteAddress })
  if (!authentication.ok && authentication.why === 'loopback only') {
    return { refusal: { error: 'not_authorised', reason: 'User can only log in via localhost' } }
  }
  if (!authentication.ok) return { refusal: { error: 'not_authorized', reason: 'Not_Authorized' } }
  if (!authentication.caller.tags.some((tag) => managementTags.includes(tag))) {
    return { refusal: { error: 'not_authorised', reason: 'Not management user' } }
  }
  return { caller: authentication.caller }
}

/** RFC 7617: everything up to the first colon is the user. */
function readBasic(authorization: string | undefined): { user: string; password: string } | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return null
  const [, user, password] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  return user === undefined || password === undefined ? null : { user, password }
}
