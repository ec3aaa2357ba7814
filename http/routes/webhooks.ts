// /api/v1/webhooks: queues that are pushed to HTTP targets. A secret and the values of headers come in here
// and never go out again.
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { z } from 'zod'
import type { Broker } from '../../broker/broker.ts'
import type { Caller } from '../../broker/caller.ts'
import type { User } from '../../broker/users.ts'
import type { VHost } from '../../broker/vhost.ts'
import { WEBHOOK_FORMATS } from '../../broker/webhook-record.ts'
import type { WebhookRecord } from '../../broker/webhook-record.ts'
import { checkEntry, queueToConsume, visibleVHosts } from '../access.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Answer, Listing } from '../answer.ts'
import { whenDefined } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { badRequest, noSuchObject } from '../errors.ts'
import type { Door } from '../node-view.ts'
import { newName, shortText } from '../schemas.ts'

const CONCURRENCY_MAX = 1_000
const TIMEOUT_MS = 10_000
const TIMEOUT_MS_MAX = 300_000
const URL_LENGTH_MAX = 2_048
const HEADERS_MAX = 50
const VALUE_LENGTH_MAX = 4_096
const SECRET_LENGTH_MIN = 16
/** Decided by what is sent and how. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade',
  'expect',
])
const OWN_PREFIXES = /^(?:proxy-|x-leveret-)/

const webhookBody = z.strictObject({
  queue: shortText,
  url: z.string({ error: 'url: not_string' }).max(URL_LENGTH_MAX, {
    error: `url: too_long: more than ${URL_LENGTH_MAX} characters`,
  }).refine(isTarget, { error: 'url: expected http:// or https://, a host, and no login' }),
  concurrency: from(1, CONCURRENCY_MAX, 'concurrency').default(1),
  timeout: from(100, TIMEOUT_MS_MAX, 'timeout').default(TIMEOUT_MS),
  format: z.enum(WEBHOOK_FORMATS, { error: `format: expected ${WEBHOOK_FORMATS.join(' or ')}` })
    .default('raw'),
  secret: z.string({ error: 'secret: expected a text or null' }).min(SECRET_LENGTH_MIN, {
    error: `secret: shorter than ${SECRET_LENGTH_MIN} characters`,
  }).max(VALUE_LENGTH_MAX, { error: `secret: longer than ${VALUE_LENGTH_MAX} characters` }).nullable()
    .optional(),
  headers: z.record(z.string(), z.string({ error: 'headers: expected texts' }), {
    error: 'headers: not_an_object',
  }).optional(),
})

type WebhookBody = z.infer<typeof webhookBody>

function from(min: number, max: number, name: string): z.ZodType<number> {
  return z.int({ error: `${name}: expected an integer from ${min} to ${max}` })
    .min(min, { error: `${name}: less than ${min}` }).max(max, { error: `${name}: more than ${max}` })
}

function isTarget(given: string): boolean {
  if (!URL.canParse(given)) return false
  const { protocol, username, password } = new URL(given)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

/** By lower-case name. Errors: HttpError. */
function checkHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  const headers = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const)
  if (headers.length > HEADERS_MAX) throw badRequest(`headers: more than ${HEADERS_MAX}`)
  for (const [name, value] of headers) {
    const shown = JSON.stringify(name.slice(0, 100))
    if (OWN_HEADERS.has(name) || OWN_PREFIXES.test(name)) {
      throw badRequest(`headers: ${shown} is not for you to set`)
    }
    if (value.length > VALUE_LENGTH_MAX) {
      throw badRequest(`headers: the value of ${shown} is longer than ${VALUE_LENGTH_MAX} characters`)
    }
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      throw badRequest(`headers: ${shown} or its value is nothing that HTTP can carry`)
    }
  }
  return Object.fromEntries(headers)
}

/**
 * What is never shown stays when it is left out, for the same target: nobody is to learn it by sending it to
 * himself. Errors: HttpError.
 */
function kept<Name extends 'secret' | 'headers'>(
  name: Name, before: WebhookRecord | undefined, url: string, none: WebhookRecord[Name],
): WebhookRecord[Name] {
  if (before === undefined) return none
  const had = before[name]
  const isEmpty = had === null || Object.keys(had).length === 0
  if (isEmpty || new URL(before.url).origin === new URL(url).origin) return had
  throw badRequest(`${name}: to be given anew, or as ${JSON.stringify(none)}, for another target`)
}

function recordOf(body: WebhookBody, before: WebhookRecord | undefined, user: User): WebhookRecord {
  const { queue, url, concurrency, timeout, format, secret, headers } = body
  return {
    queue, url, concurrency, timeoutMs: timeout, format,
    secret: secret === undefined ? kept('secret', before, url, null) : secret,
    headers: headers === undefined ? kept('headers', before, url, {}) : checkHeaders(headers),
    isPaused: before?.isPaused ?? false, user: user.name,
  }
}

/** It takes messages out, for as long as it is there. Errors: AmqpError. */
function checkQueue({ access }: Caller, queue: string): void {
  access.check('read', 'queue', queue)
  access.check('configure', 'queue', queue)
}

/** Errors: HttpError 404, AmqpError. */
function webhookNamed(broker: Broker, user: User, vhost: VHost, name: string): WebhookRecord {
  const caller = checkEntry(broker, user, vhost)
  const record = vhost.webhooks.get(name)
  if (record === undefined) throw noSuchObject()
  caller.access.check('read', 'queue', record.queue)
  return record
}

interface PlacedWebhook {
  readonly vhost: VHost
  readonly name: string
  readonly record: WebhookRecord
}

function describe({ webhooks }: Door, { vhost, name, record }: PlacedWebhook): object {
  const view = webhooks.find(vhost, name)
  const { queue, url, concurrency, timeoutMs, format, secret, headers, user } = record
  const error = view?.lastError ?? null
  return {
    name, vhost: vhost.name, queue, url, concurrency, timeout: timeoutMs, format, signed: secret !== null,
    headers: Object.keys(headers), user, state: view?.state ?? 'waiting', in_flight: view?.inFlight ?? 0,
    delivered: view?.delivered ?? 0, failed: view?.failed ?? 0,
    last_error: error === null ? null : { time: new Date(error.atMs).toISOString(), reason: error.reason },
  }
}

/** Of the queues that the user may read. */
function list(door: Door, user: User, vhosts: readonly VHost[]): Listing {
  const rows = vhosts.flatMap((vhost) => {
    const access = door.broker.access.accessOf(user.name, vhost.name)
    return [...vhost.webhooks].map(([name, record]): PlacedWebhook => ({ vhost, name, record }))
      .filter(({ record }) => access.may('read', record.queue))
  })
  return listing(rows, {
    name: ({ name }) => name, vhost: ({ vhost }) => vhost.name, show: (row) => describe(door, row),
  })
}

async function setPaused(
  { broker, webhooks }: Door, user: User, vhost: VHost, name: string, isPaused: boolean,
): Promise<Answer> {
  const { queue } = webhookNamed(broker, user, vhost, name)
  checkQueue(checkEntry(broker, user, vhost), queue)
  webhooks.setPaused(vhost, name, isPaused)
  await whenDefined(vhost)
  return noContent()
}

export const webhookEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/webhooks', access: 'management', list: 'paged',
    doc: 'Webhooks of the queues that the user may read, with what they have done since they were made, '
      + 'changed or the broker started.',
    handle: ({ door, user }) => list(door, user, visibleVHosts(door.broker, user)),
  }),
  endpoint({
    method: 'GET', path: '/api/v1/webhooks/:vhost', access: 'management', list: 'paged',
    doc: 'Those of one vhost.',
    handle: ({ door, user, vhost }) => list(door, user, [vhost]),
  }),
  endpoint({
    method: 'GET', path: '/api/v1/webhooks/:vhost/:webhook', access: 'management',
    doc: 'One webhook. `state` is `running`, `resting` (after failures, or because its target asked for it), '
      + '`paused`, or `waiting` (not a consumer; `last_error` says why). Its secret and the values of its '
      + 'headers are not shown.',
    handle({ door, user, vhost, params: { webhook: name } }) {
      return json(describe(door, { vhost, name, record: webhookNamed(door.broker, user, vhost, name) }))
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/v1/webhooks/:vhost/:webhook', access: 'management', body: webhookBody,
    doc: `Pushes a \`queue\` to a \`url\`, a POST per message, up to \`concurrency\` (1; ${CONCURRENCY_MAX} `
      + `at most) at a time, each with \`timeout\` milliseconds (${TIMEOUT_MS}; ${TIMEOUT_MS_MAX} at most). `
      + '2xx acks; [webhooks.md](../webhooks.md) has the rest. `format` is `raw` (body and properties as '
      + 'they are) or `cloudevents`; `headers` are sent too; with a `secret` each request is signed. '
      + '`secret` and `headers` that are left out stay as they are. Needs permission to read '
      + 'and to configure the queue.',
    async handle({ door: { broker, webhooks }, user, vhost, params, body }) {
      const caller = checkEntry(broker, user, vhost)
      const name = newName(params.webhook)
      const before = vhost.webhooks.get(name)
      if (before !== undefined) checkQueue(caller, before.queue)
      checkQueue(caller, body.queue)
      queueToConsume(broker, user, vhost, body.queue)
      const record = recordOf(body, before, user)
      try {
        webhooks.target.check(new URL(record.url))
      } catch (error) {
        throw badRequest(`url: ${(error as Error).message}`)
      }
      const isNew = webhooks.put(vhost, name, record)
      await whenDefined(vhost)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/v1/webhooks/:vhost/:webhook', access: 'management',
    doc: 'Ends a webhook. Requests that are under way come to their end.',
    async handle({ door: { broker, webhooks }, user, vhost, params: { webhook: name } }) {
      const { queue } = webhookNamed(broker, user, vhost, name)
      checkQueue(checkEntry(broker, user, vhost), queue)
      webhooks.delete(vhost, name)
      await whenDefined(vhost)
      return noContent()
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/v1/webhooks/:vhost/:webhook/pause', access: 'management',
    doc: 'It takes no more messages until it is resumed, also after a restart; it stays a consumer.',
    handle: ({ door, user, vhost, params }) => setPaused(door, user, vhost, params.webhook, true),
  }),
  endpoint({
    method: 'PUT', path: '/api/v1/webhooks/:vhost/:webhook/resume', access: 'management',
    doc: 'Ends a pause, and a rest.',
    handle: ({ door, user, vhost, params }) => setPaused(door, user, vhost, params.webhook, false),
  }),
]
