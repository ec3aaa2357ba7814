// What an exchange with a history owes a new binding: the messages that it kept, oldest first, as if they
// came now. Called when something is bound, not when bindings are restored.
import type { Destination } from '../exchanges/binding.ts'
import type { Exchange } from '../exchanges/exchange.ts'
import type { History } from '../exchanges/history.ts'
import type { Route } from '../exchanges/route.ts'
import { ContentHeader } from '../protocol/content-header.ts'
import type { Message } from '../queues/message.ts'
import type { Queue } from '../queues/queue.ts'
import type { VHost } from './vhost.ts'

export function replayHistory(vhost: VHost, history: History, destination: Destination): void {
  const { nowMs } = vhost.queueParts.clock
  // All of them first: an exchange that leads back here keeps what it is given.
  for (const { message, keptAtMs } of [...history]) {
    const again = (message as Message).postponed(nowMs - keptAtMs)
    vhost.publish(routeTo(vhost, destination, again), again)
  }
}

function routeTo(vhost: VHost, destination: Destination, message: Message): Route<Queue> {
  if (destination.kind === 'queue') {
    return { queues: [destination as Queue], histories: [], sightings: null, isCacheable: false }
  }
  const header = new ContentHeader()
  header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  return vhost.findRoute(destination as Exchange, [message.routingKey], header)
}
