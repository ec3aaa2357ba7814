// What a client may still send on a channel that the broker has closed, before its close-ok: whole contents,
// which go nowhere, and methods that can be read.
import { beforeEach, expect, it } from 'vitest'
import { BrokerWorld } from '../broker/broker.contract.ts'
import { encodeContent, encodeFrame, encodeMethod } from '../test/amqp/client-codec.ts'
import { TestClient } from './connection.contract.ts'

let world: BrokerWorld
let client: TestClient
beforeEach(async () => {
  world = await BrokerWorld.start()
  world.queue('q')
  client = await TestClient.open(world.broker)
})

const publish = encodeMethod(1, 'basic.publish', { exchange: '', routingKey: 'q' })
const content = encodeContent(1, {}, Buffer.from('body'), 131_072)
const header = content.subarray(0, content.length - 12)

/** Sends all of it after an error, before the broker's close is read. */
async function sendAfterError(...frames: Buffer[]): Promise<string> {
  client.connection.onData(Buffer.concat([encodeMethod(1, 'basic.ack', { deliveryTag: 99 }), ...frames]))
  await client.settle()
  return client.closeText()
}

const CLOSED = 'channel.close 406 PRECONDITION_FAILED - unknown delivery tag 99'

it('a content that is whole goes nowhere', async () => {
  expect(await sendAfterError(publish, content, publish, content)).toBe(CLOSED)
  expect(world.queue('q').readyCount).toBe(0)
})

it('a content that has begun must be ended before anything else', async () => {
  expect(await sendAfterError(publish, header, publish)).toBe(
    `${CLOSED},connection.close 505 UNEXPECTED_FRAME - expected content body, got non content body frame `
    + 'instead')
})

it('a body may not be longer than announced', async () => {
  const more = encodeFrame(3, 1, Buffer.from('bodies'))
  expect(await sendAfterError(publish, header, more)).toBe(
    `${CLOSED},connection.close 501 FRAME_ERROR - content body frame exceeds remaining content size`)
})
