// Empties a vhost that is about to go: queues with their messages, exchanges, bindings, policies, each with
// its record. Called by Broker.removeVHost; afterwards nothing of it is on record in its scope.
import { removeExchange } from './bindings.ts'
import { removal } from './definitions.ts'
import { removeQueue } from './queue-declarations.ts'
import type { VHost } from './vhost.ts'

export function emptyVHost(vhost: VHost): void {
  vhost.redrives.end()
  for (const queue of [...vhost.queues.values()]) removeQueue(vhost, queue)
  for (const exchange of [...vhost.exchanges.values()]) removeExchange(vhost, exchange)
  for (const kind of ['policy', 'operator-policy'] as const) {
    for (const { name } of vhost.policies.list(kind)) {
      vhost.policies.remove(kind, name)
      vhost.changed(removal(kind, name))
    }
  }
}
