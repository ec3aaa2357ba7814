// Consuming without AMQP: a poll hands out messages by leases, which are settled by their tokens. And more
// time for a message that somebody holds, over AMQP too, for whoever looks after a queue and sees in browsing
// that a worker takes long: the worker itself need not know.
import { z } from 'zod'
import { checkEntry, queueToConsume, readableQueue } from '../access.ts'
import { json, messageAnswer, noContent } from '../answer.ts'
import type { Answer } from '../answer.ts'
import type { Settlement } from '../delivery.ts'
import { whenStored } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import type { Request } from '../endpoint.ts'
import { HttpError, notFound } from '../errors.ts'
import type { Lease } from '../leases.ts'
import { messageToJson } from '../message-json.ts'
import { Poll } from '../poll.ts'
import type { PollResult } from '../poll.ts'
import { headersFromProperties } from '../property-headers.ts'
import { integerFrom, looseBoolean, queryFlag } from '../schemas.ts'
import { deliveriesOf } from '../unacked-messages.ts'

const LEASE_S = 30
const LEASE_S_MAX = 43_200
const WAIT_S_MAX = 300
const COUNT_MAX = 1_000
const TOKENS_MAX = 10_000

const leaseTime = integerFrom(1, LEASE_S_MAX, LEASE_S)
const pollQuery = z.object({
  max: integerFrom(1, COUNT_MAX, 1), wait: integerFrom(0, WAIT_S_MAX, 0), lease: leaseTime, raw: queryFlag,
})
const tokens = z.array(z.string(), { error: 'not_a_list' }).max(TOKENS_MAX, {
  error: `too_long: more than ${TOKENS_MAX} tokens`,
}).default([])

type PollRequest = Request<'/api/v1/queues/:vhost/:queue/consume', 'user', z.infer<typeof pollQuery>, null>
type TokenRequest = Pick<Request<'/:token', 'user', unknown, unknown>, 'sessions' | 'user' | 'params'>

function consume(request: PollRequest): Promise<Answer> {
  const { door: { broker }, sessions, user, vhost, params, query, client } = request
  const queue = queueToConsume(broker, user, vhost, params.queue)
  const session = sessions.ofPolls(vhost, user, client)
  return new Promise((resolve, reject) => {
    const answer = (result: PollResult): void => {
      client.gone.removeEventListener('abort', cancel)
      if ('endedBy' in result) return reject(new HttpError(409, 'ended', result.endedBy))
      const leases = result.entries.map((entry) =>
        sessions.leases.grant(session, queue, entry, query.lease * 1000))
      resolve({
        ...query.raw ? answerRaw(leases[0]) : json({ messages: leases.map(describe) }),
        undelivered: () => {
          broker.turn.begin()
          for (const { delivery } of leases) delivery.settle('lost')
        },
      })
    }
    const wish = { countMax: query.raw ? 1 : query.max, waitMs: query.wait * 1000 }
    const poll = new Poll(session, queue, wish, answer)
    const cancel = (): void => poll.cancel()
    client.gone.addEventListener('abort', cancel)
    poll.start()
  })
}

/** One message as it is, its token and properties in headers. */
function answerRaw(lease: Lease | undefined): Answer {
  if (lease === undefined) return noContent()
  const { token, delivery: { entry: { message } } } = lease
  return messageAnswer(message, { ...headersFromProperties(message), 'lease-token': token })
}

function describe({ token, delivery }: Lease): object {
  return { token, ...messageToJson(delivery.entry) }
}

/** Errors: HttpError 404. */
function leaseOf({ sessions, user, params }: TokenRequest): Lease {
  const lease = sessions.leases.find(user, params.token)
  if (lease !== null) return lease
  throw notFound('no such lease: it was settled, it ran out, or it never was')
}

/** An ack is for good: it waits until the store has it. */
async function settle({ session, delivery }: Lease, how: Settlement): Promise<void> {
  const isAwaited = how === 'ack' && delivery.isStored
  delivery.settle(how)
  if (isAwaited) await whenStored(session.vhost)
}

/** Settles or extends those that are there; returns the tokens of which there is no lease. */
async function settleMany(
  { sessions, user }: Pick<TokenRequest, 'sessions' | 'user'>, body: z.infer<typeof manyBody>,
): Promise<string[]> {
  const gone: string[] = []
  const work: Promise<void>[] = []
  for (const [given, how] of [[body.ack, 'ack'], [body.nack, 'requeue'], [body.reject, 'reject']] as const) {
    for (const token of given) {
      const lease = sessions.leases.find(user, token)
      if (lease === null) gone.push(token)
      else work.push(settle(lease, how))
    }
  }
  for (const token of body.extend) {
    const lease = sessions.leases.find(user, token)
    if (lease === null) gone.push(token)
    else sessions.leases.renew(lease, body.lease * 1000)
  }
  await Promise.all(work)
  return gone
}

const manyBody = z.strictObject({
  ack: tokens, nack: tokens, reject: tokens, extend: tokens, lease: leaseTime,
})

const pollDoc = `Up to \`max\` messages (1; ${COUNT_MAX} at most), as soon as there are any, or none after `
  + `\`wait\` seconds (0; ${WAIT_S_MAX} at most). Each is leased under its \`token\` for \`lease\` seconds `
  + `(${LEASE_S}; ${LEASE_S_MAX} at most): then, and when this answer cannot be delivered, it goes back to `
  + 'the queue. With `raw=true` one message as it is: its body, its properties in headers, its token in '
  + '`lease-token`; 204 for none.'

export const leaseEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/queues/:vhost/:queue/consume', access: 'user', query: pollQuery,
    isSafe: false, answers: 'anything', doc: pollDoc,
    handle: consume,
  }),
  endpoint({
    method: 'POST', path: '/api/v1/queues/:vhost/:queue/consume', access: 'user', query: pollQuery,
    doc: 'The same, for clients whose proxies repeat a GET.',
    handle: consume,
  }),
  endpoint({
    method: 'POST', path: '/api/v1/leases/:token/ack', access: 'user',
    doc: 'The message is done with. Answers when that is on disk.',
    async handle(request) {
      await settle(leaseOf(request), 'ack')
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/leases/:token/nack', access: 'user',
    body: z.strictObject({ requeue: looseBoolean.default(true) }),
    doc: 'The message goes back to its queue or, with `requeue` false, is dead-lettered or dropped.',
    async handle(request) {
      await settle(leaseOf(request), request.body.requeue ? 'requeue' : 'reject')
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/leases/:token/extend', access: 'user',
    body: z.strictObject({ lease: leaseTime }),
    doc: 'The lease lasts `lease` seconds from now on.',
    handle(request) {
      request.sessions.leases.renew(leaseOf(request), request.body.lease * 1000)
      return noContent()
    },
  }),
  endpoint({
    method: 'POST', path: '/api/v1/leases', access: 'user', body: manyBody,
    doc: `Lists of up to ${TOKENS_MAX} tokens: \`ack\`, \`nack\` (back to the queue), \`reject\` (not), `
      + `\`extend\` `
      + '(by `lease` seconds). Answers with those that are no leases any more, `gone`.',
    handle: async (request) => json({ gone: await settleMany(request, request.body) }),
  }),
  endpoint({
    method: 'POST', path: '/api/v1/queues/:vhost/:queue/messages/:id/extend', access: 'management',
    body: z.strictObject({ lease: leaseTime }),
    doc: 'Gives a message that somebody holds, by its `id` in `messages?state=unacked`, `lease` seconds '
      + `(${LEASE_S}; ${LEASE_S_MAX} at most) from now on to be settled in, whether its lease is one of AMQP `
      + '(`x-ack-timeout`) or of HTTP. 404 when nobody holds it, 409 when it is held without a lease.',
    handle({ door, user, vhost, params, body }) {
      const queue = readableQueue(vhost, checkEntry(door.broker, user, vhost), params.queue)
      const what = `message ${params.id} of ${vhost.describeQueue(queue.name)}`
      for (const { placed, delivery } of deliveriesOf(door, vhost, queue)) {
        if (String(delivery.entry.id) !== params.id) continue
        if (placed.channel.timeouts.extend(delivery.tag, body.lease * 1000)) return noContent()
        throw new HttpError(409, 'conflict', `${what} is held without a lease`)
      }
      throw notFound(`${what} is held by nobody`)
    },
  }),
]
