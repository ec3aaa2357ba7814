// What a restart of the broker leaves of a quorum queue: every message, whatever its delivery mode, and how
// often it was tried. Reference: behaviours §4.11, §5.7. Leveret is killed; RabbitMQ is stopped in order: the
// reference node, killed in this suite, came back with an empty queue. One restart per broker; one that is
// not ours to restart is left out.

import { expect } from 'vitest'
import { restartBroker } from './harness/control.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { fill, get, text } from './harness/messages.ts'

const restartBoundMs = 120_000

forEachTarget((test, target) => {
  test('after a restart a quorum queue has all its messages, and how often they were tried',
    async ({ connect, name }) => {
      const queue = name()
      const before = await (await connect()).createConfirmChannel()
      before.on('error', () => undefined)
      await before.assertQueue(queue, { arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 5 } })
      await fill(before, queue, ['tried'], { headers: { own: 1 } })
      await fill(before, queue, ['transient'], { persistent: false })
      for (let n = 0; n < 3; n++) before.reject(await get(before, queue), true)
      // What is confirmed after the last reject is on disk after it.
      await fill(before, queue, ['last'])
      await restartBroker(target, target.isLeveret ? 'SIGKILL' : 'SIGTERM')

      const ch = await (await connect()).createChannel()
      const tried = await get(ch, queue)
      expect([text(tried), tried.fields.redelivered, tried.properties.headers])
        .toEqual(['tried', true, { 'own': 1, 'x-acquired-count': 3, 'x-delivery-count': 3 }])
      expect([text(await get(ch, queue)), text(await get(ch, queue))]).toEqual(['transient', 'last'])
      ch.reject(tried, true)
      for (let n = 0; n < 2; n++) ch.reject(await get(ch, queue), true)
      expect(await ch.get(queue)).toBe(false)
    }, restartBoundMs)
}, ({ canRestart }) => canRestart)
