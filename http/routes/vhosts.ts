// /api/vhosts, to read.
import type { Broker } from '../../broker/broker.ts'
import type { User } from '../../broker/users.ts'
import type { VHost } from '../../broker/vhost.ts'
import { isMonitor, visibleVHosts } from '../access.ts'
import { json, listing } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import type { Door } from '../node-view.ts'

function describe({ node }: Door, vhost: VHost): object {
  const lengths = { messages: 0, messages_ready: 0, messages_unacknowledged: 0 }
  for (const queue of vhost.queues.values()) {
    lengths.messages_ready += queue.readyCount
    lengths.messages_unacknowledged += queue.unackedCount
  }
  lengths.messages = lengths.messages_ready + lengths.messages_unacknowledged
  return {
    name: vhost.name, description: '', tags: [], default_queue_type: 'classic', tracing: false,
    protected_from_deletion: false, metadata: { description: '', tags: [], default_queue_type: 'classic' },
    cluster_state: { [node.nodeName]: 'running' }, ...lengths,
  }
}

/** RabbitMQ: who monitors sees every vhost in the list, though not what is inside. */
function listed(broker: Broker, user: User): VHost[] {
  return isMonitor(user) ? [...broker.vhosts.values()] : visibleVHosts(broker, user)
}

export const vhostEndpoints = [
  endpoint({
    method: 'GET', path: '/api/vhosts', access: 'management', list: 'paged',
    doc: 'Vhosts that the user may enter; all of them for who monitors.',
    handle: ({ door, user }) => listing(listed(door.broker, user), {
      name: (vhost) => vhost.name, vhost: () => '', show: (vhost) => describe(door, vhost),
    }),
  }),
  endpoint({
    method: 'GET', path: '/api/vhosts/:vhost', access: 'administrator', doc: 'One vhost.',
    handle: ({ door, vhost }) => json(describe(door, vhost)),
  }),
]
