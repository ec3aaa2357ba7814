// What basic.get tells beside the message. What consumers get is in the tests of channels and of queues.
import { expect, it } from 'vitest'
import { BrokerWorld } from '../../broker/broker.contract.ts'
import { tableOf } from '../../protocol/table-encode.ts'
import { TestClient } from '../connection.contract.ts'

it('a get counts what is left before the letters of what expired behind it come back', async () => {
  const world = await BrokerWorld.start()
  const client = await TestClient.open(world.broker)
  const to = (key: string) => ({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': key })
  world.queue('source', { args: tableOf(to('full')) })
  world.queue('full', { args: tableOf({ ...to('source'), 'x-max-length': 1 }) })
  client.publish('full', 'pushed out')
  client.publish('source', 'first')
  client.publish('source', 'mortal', { expiration: '0' })
  const counts: unknown[] = []
  for (let n = 0; n < 2; n++) {
    const { args, content } = await client.call(1, 'basic.get', { queue: 'source' })
    counts.push([args['messageCount'], content!.body.toString()])
  }
  expect(counts).toEqual([[0, 'first'], [0, 'pushed out']])
})
