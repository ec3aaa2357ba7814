// The first frame on a channel's number: it opens the channel, or ends the connection.
import { beforeEach, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { encodeFrame } from '../test/amqp/client-codec.ts'
import { TestClient } from './connection.contract.ts'

let client: TestClient
beforeEach(async () => {
  client = await TestClient.open((await BrokerWorld.start()).broker)
})

it.each([
  ['that can be read is out of place', [0, 20, 0, 20, 1], "504 CHANNEL_ERROR - expected 'channel.open'"],
  ['that cannot be read is no frame', [0, 20, 0, 20], '501 FRAME_ERROR - cannot decode <<>>'],
  ['of a class that there is not, neither', [0, 77, 0, 10], '503 COMMAND_INVALID - unimplemented method'],
])('a method %s', async (_, method, text) => {
  client.connection.onData(encodeFrame(1, 7, Buffer.from(method)))
  await client.settle()
  expect(client.closeText()).toBe(`connection.close ${text}`)
})
