// Health checks under /api/health/checks, in RabbitMQ's shapes: 200 with a status, or 503 with a reason.

import type { BrokerView } from './broker-view.ts'
import { json } from './endpoint.ts'
import type { Answer } from './endpoint.ts'

export function readiness(view: BrokerView): Answer {
  if (view.isReady()) return json(200, { status: 'ok' })
  const reason = 'this node does not accept AMQP connections: it is starting or stopping'
  return json(503, { status: 'failed', reason })
}
