// Pausing a queue: what is published is kept as ever, and no consumer gets any of it until the queue is
// resumed. Called by the HTTP door. A pause of a durable queue is on its record, so that a restart does not
// end it; basic.get is somebody's own doing, and goes on.
import type { Queue } from '../queues/queue.ts'
import type { Caller } from './caller.ts'
import { queueDefinition } from './definitions.ts'
import type { VHost } from './vhost.ts'

/** Errors: access-refused without permission to configure it, not-found, resource-locked. */
export function pauseQueue(vhost: VHost, name: string, caller: Caller): void {
  setPaused(vhost, getQueue(vhost, name, caller), true)
}

/** Its consumers get what has waited. Errors: as `pauseQueue`. */
export function resumeQueue(vhost: VHost, name: string, caller: Caller): void {
  const queue = getQueue(vhost, name, caller)
  setPaused(vhost, queue, false)
  vhost.queueParts.turn.pump(queue)
}

function getQueue(vhost: VHost, name: string, { owner, access }: Caller): Queue {
  access.check('configure', 'queue', name)
  return vhost.getQueue(name, owner)
}

function setPaused(vhost: VHost, queue: Queue, isPaused: boolean): void {
  if (queue.consumers.isPaused === isPaused) return
  queue.consumers.isPaused = isPaused
  if (queue.flags.isDurable) vhost.records.define(queueDefinition(queue))
}
