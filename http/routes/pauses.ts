// Pausing and resuming a queue. Done again it changes nothing, and answers the same.
import { pauseQueue, resumeQueue } from '../../broker/queue-pauses.ts'
import { checkEntry } from '../access.ts'
import { noContent } from '../answer.ts'
import { whenDefined } from '../durability.ts'
import { endpoint } from '../endpoint.ts'

export const pauseEndpoints = [
  endpoint({
    method: 'PUT', path: '/api/v1/queues/:vhost/:queue/pause', access: 'management',
    doc: 'Consumers of the queue get nothing until it is resumed, also after a restart; publishing and `get` '
      + 'go on. '
      + 'Lists show it as `paused`.',
    async handle({ door: { broker }, user, vhost, params }) {
      pauseQueue(vhost, params.queue, checkEntry(broker, user, vhost))
      await whenDefined(vhost)
      return noContent()
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/v1/queues/:vhost/:queue/resume', access: 'management',
    doc: 'Ends a pause: consumers get what has waited.',
    async handle({ door: { broker }, user, vhost, params }) {
      resumeQueue(vhost, params.queue, checkEntry(broker, user, vhost))
      await whenDefined(vhost)
      return noContent()
    },
  }),
]
