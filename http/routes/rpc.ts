// A request and its reply in one HTTP request: published with a reply-to that leads back here, through no
// queue (RabbitMQ's direct reply-to; behaviours §6.3). A responder over AMQP or over HTTP answers as it
// answers anybody.
import { z } from 'zod'
import type { Timer } from '../../base/timer-wheel.ts'
import type { Broker } from '../../broker/broker.ts'
import { REPLY_TO_PREFIX } from '../../broker/reply-names.ts'
import { REJECTED, ROUTED } from '../../broker/vhost.ts'
import type { ReplyPort, VHost } from '../../broker/vhost.ts'
import type { Message } from '../../queues/message.ts'
import { messageAnswer } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { HttpError } from '../errors.ts'
import { encodeDraftProperties } from '../message-json.ts'
import { headersFromProperties, propertiesFromHeaders } from '../property-headers.ts'
import { admitPublisher, prepare, publish } from '../publishing.ts'
import { anyBytes, integerFrom, shortName } from '../schemas.ts'

const TIMEOUT_S = 30
const TIMEOUT_S_MAX = 300

const TRANSIENT = 1

/** Waits for one reply. Invariant: it is among the vhost's requesters until it has one, or gave up. */
class Requester implements ReplyPort, Timer {
  dueMs = 0
  readonly name: string
  readonly reply: Promise<Message | null>
  private resolve: (reply: Message | null) => void = () => {}
  private readonly broker: Broker
  private readonly vhost: VHost

  constructor(broker: Broker, vhost: VHost, timeoutMs: number) {
    this.broker = broker
    this.vhost = vhost
    this.name = REPLY_TO_PREFIX + broker.generateName('')
    this.reply = new Promise((resolve) => {
      this.resolve = resolve
    })
    vhost.replyPorts.set(this.name, this)
    broker.timers.set(this, broker.clock.monotonicMs + timeoutMs)
  }

  deliverReply(message: Message): void {
    this.end(message)
  }

  /** Its time is over. */
  fire(): void {
    this.end(null)
  }

  end(reply: Message | null): void {
    this.broker.timers.clear(this)
    this.vhost.replyPorts.delete(this.name)
    this.resolve(reply)
  }
}

export const rpcEndpoints = [
  endpoint({
    method: 'POST', path: '/api/v1/rpc/:vhost/:exchange/*key', access: 'user', body: anyBytes,
    answers: 'anything', query: z.object({ timeout: integerFrom(1, TIMEOUT_S_MAX, TIMEOUT_S) }),
    doc: 'Publishes the body as a request, with properties as for `/api/v1/publish`, and answers with the '
      + 'reply: its '
      + `body, and its properties as headers. 504 without one after \`timeout\` seconds (${TIMEOUT_S}; `
      + `${TIMEOUT_S_MAX} at most), when the request expires, too. Transient unless \`amqp-delivery-mode\` `
      + `is 2.`,
    async handle({ door: { broker }, user, vhost, params, query, headers, body, client }) {
      const given = propertiesFromHeaders(headers)
      const timeoutMs = query.timeout * 1000
      const publisher = await admitPublisher(broker, user, vhost)
      const requester = new Requester(broker, vhost, timeoutMs)
      client.gone.addEventListener('abort', () => requester.end(null))
      try {
        const properties = encodeDraftProperties({
          delivery_mode: TRANSIENT, expiration: String(timeoutMs), correlation_id: broker.generateName(''),
          ...given, reply_to: requester.name,
        })
        const routingKey = shortName(params.key)
        const request = prepare(publisher, { exchange: params.exchange, routingKey, properties, body })
        checkOutcome(publish(publisher, request))
      } catch (error) {
        requester.end(null)
        throw error
      }
      const reply = await requester.reply
      if (reply === null) throw new HttpError(504, 'timeout', `no reply within ${query.timeout} s`)
      return messageAnswer(reply, headersFromProperties(reply))
    },
  }),
]

/** Errors: HttpError for a request that no queue took. */
function checkOutcome(bits: number): void {
  if ((bits & ROUTED) === 0) throw new HttpError(404, 'unroutable', 'the request went to no queue')
  if ((bits & REJECTED) === 0) return
  throw new HttpError(503, 'rejected', 'a queue rejected the request: it is full')
}
