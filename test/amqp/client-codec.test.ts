// The test codec against the generated one of the broker: two readings of one table that share no code.
import { expect, test } from 'vitest'
import { ArgumentReader } from '../../protocol/argument-reader.ts'
import { FrameWriter } from '../../protocol/frame-writer.ts'
import { decodeQueueDeclare, writeBasicReturn, writeQueueDeclareOk } from '../../protocol/methods.gen.ts'
import { tableOf } from '../../protocol/table-encode.ts'
import { FrameSplitter, decodeHeader, decodeMethod, encodeContent, encodeMethod } from './client-codec.ts'

function framesOf(bytes: Buffer, chunkBytes: number): { readonly type: number; readonly payload: Buffer }[] {
  const splitter = new FrameSplitter()
  const frames: { readonly type: number; readonly payload: Buffer }[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes)
    splitter.push(chunk, (type, _channel, payload) => frames.push({ type, payload }))
  }
  return frames
}

test('the broker reads what the codec wrote, bits and tables included', () => {
  const args = { queue: 'q', durable: true, autoDelete: true, arguments: tableOf({ 'x-max-length': 7 }) }
  const frame = encodeMethod(3, 'queue.declare', args)
  const read = decodeQueueDeclare(new ArgumentReader().over(frame, 11, frame.length - 1))
  expect(read).toMatchObject({
    queue: 'q', passive: false, durable: true, exclusive: false, autoDelete: true, nowait: false,
  })
  expect(read.arguments).toEqual(args.arguments)
})

test.each([1, 2, 7, 1000])('the codec reads what the broker wrote, in chunks of %i bytes', (chunkBytes) => {
  const writer = new FrameWriter()
  writeQueueDeclareOk(writer, 1, 'q', 5, 2)
  writeBasicReturn(writer, 1, 312, 'NO_ROUTE', 'e', 'key')
  const frames = framesOf(Buffer.concat(writer.take()), chunkBytes)
  const methods = frames.map(({ payload }) => decodeMethod(payload))
  expect(methods).toEqual([
    { name: 'queue.declare-ok', args: { queue: 'q', messageCount: 5, consumerCount: 2 } },
    {
      name: 'basic.return',
      args: { replyCode: 312, replyText: 'NO_ROUTE', exchange: 'e', routingKey: 'key' },
    },
  ])
})

test('a body longer than a frame is split, and its properties come back', () => {
  const properties = { headers: tableOf({ a: 'b' }), deliveryMode: 2, messageId: 'm', timestamp: 12 }
  const [header, ...bodies] = framesOf(encodeContent(1, properties, Buffer.alloc(10_000, 1), 4096), 333)
  expect(decodeHeader(header!.payload)).toEqual({ bodySize: 10_000, properties })
  expect(bodies.map(({ payload }) => payload.length)).toEqual([4088, 4088, 1824])
})

test('a frame without its end octet is refused', () => {
  const frame = encodeMethod(1, 'channel.open', {})
  frame[frame.length - 1] = 0
  expect(() => framesOf(frame, 100)).toThrow('octet 0 at the end of a frame of type 1')
})
