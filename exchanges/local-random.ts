// x-local-random: x-random among classic queues of this node, without keys (RabbitMQ 4). There is one node
// here, so every classic queue is local.
import { preconditionFailed } from '../protocol/errors.ts'
import type { ExchangeType } from './exchange-type.ts'
import { RandomRouter } from './random.ts'

export const localRandom: ExchangeType = {
  name: 'x-local-random',
  createRouter: (_args, random) => new RandomRouter(random),
  validateBinding(routingKey, _args, target) {
    if (target.kind !== 'queue') throw preconditionFailed('Destination not found')
    if (routingKey !== '') throw preconditionFailed(`Non empty binding '${routingKey}' key not permitted`)
    const { name } = target.type
    if (name === 'classic') return
    throw preconditionFailed(`Queue type rabbit_${name}_queue not valid for this exchange type`)
  },
}
