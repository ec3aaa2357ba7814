// Messages as they come, as Server-Sent Events: of a queue, or, through a temporary queue, of an exchange.
import { z } from 'zod'
import { bind } from '../../broker/bindings.ts'
import type { Caller } from '../../broker/caller.ts'
import { declareQueue } from '../../broker/queue-declarations.ts'
import type { FieldTable } from '../../protocol/table.ts'
import type { Queue } from '../../queues/queue.ts'
import { checkEntry, queueToConsume } from '../access.ts'
import type { Answer } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { EventStream } from '../event-stream.ts'
import { shortText } from '../schemas.ts'
import type { Client, Session } from '../session.ts'

/** What waits for a reader who is slow: the oldest go first. */
const TAIL_LENGTH_MAX = 10_000

function stream(session: Session, queue: Queue, { gone }: Client): Answer {
  const events = new EventStream(session, queue)
  gone.addEventListener('abort', () => session.end('the client is gone'))
  events.start()
  return {
    status: 200, body: events.body, contentType: 'text/event-stream', headers: { 'x-accel-buffering': 'no' },
  }
}

/** An exclusive queue of the session, which goes with it. Errors: AmqpError. */
function queueOfTail(session: Session, caller: Caller, exchange: string, routingKey: string): Queue {
  const { broker, vhost } = session
  const args: FieldTable = new Map([['x-max-length', { tag: 'l', value: TAIL_LENGTH_MAX }]])
  const queue = declareQueue(vhost, {
    name: broker.generateName('amq.gen-'), isDurable: false, isExclusive: true, isAutoDelete: true, args,
  }, caller, true, () => broker.newQueueId())
  bind(vhost, {
    source: exchange, kind: 'queue', destination: queue.name, routingKey, args: new Map(),
  }, caller)
  return queue
}

export const streamEndpoints = [
  endpoint({
    method: 'GET', path: '/api/v1/queues/:vhost/:queue/stream', access: 'user', answers: 'anything',
    isSafe: false,
    doc: 'The messages of a queue as they come, as Server-Sent Events: `message` with a message in JSON, '
      + '`end` with a '
      + '`reason`. Each counts as acked when it is handed out.',
    handle({ door: { broker }, sessions, user, vhost, params, client }) {
      const queue = queueToConsume(broker, user, vhost, params.queue)
      return stream(sessions.ofStream(vhost, user, client), queue, client)
    },
  }),
  endpoint({
    method: 'GET', path: '/api/v1/exchanges/:vhost/:exchange/tail', access: 'user', answers: 'anything',
    isSafe: false, query: z.object({ key: shortText.default('#') }),
    doc: 'What is published to an exchange from now on, as Server-Sent Events: through an exclusive queue '
      + 'that is bound '
      + `with \`key\` (\`#\`) and goes with the stream. It keeps ${TAIL_LENGTH_MAX} messages for a slow `
      + `reader.`,
    handle({ door: { broker }, sessions, user, vhost, params, query, client }) {
      const { access } = checkEntry(broker, user, vhost)
      vhost.getExchange(params.exchange)
      const session = sessions.ofStream(vhost, user, client)
      try {
        const queue = queueOfTail(session, { owner: session, access }, params.exchange, query.key)
        return stream(session, queue, client)
      } catch (error) {
        session.end('refused')
        throw error
      }
    },
  }),
]
