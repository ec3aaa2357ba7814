// Who asks for a declaration, a binding, a purge: the connection, as owner of exclusive queues, and what its
// user may do here. A channel is one; the HTTP door makes one per request.
import type { QueueOwner } from '../queues/queue-flags.ts'
import type { Access } from './access.ts'

export interface Caller {
  readonly owner: QueueOwner
  readonly access: Access
}
