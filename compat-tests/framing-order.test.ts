// Frames out of order, in parts, or too large: between the parts of a content, on a channel that is closing,
// half a frame and then silence. Broken frames by themselves are in framing.test.ts. Reference: behaviours
// §1.11, §2.1, and 4.3.6 where it says more.
import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import type { RawClient } from './harness/raw-client.ts'
import type { Session } from './harness/session.ts'
import { encodeFrame, encodeHeader, encodeMethod, encodeProperties, frameType } from './harness/wire.ts'

const noProperties = encodeProperties()
const noHeader = closed(505,
  'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead',
  'basic.publish')
const noBody = closed(505,
  'UNEXPECTED_FRAME - expected content body, got non content body frame instead', 'basic.publish')
const noMethod = closed(505,
  'UNEXPECTED_FRAME - expected method frame, got non method frame instead', 'none')

/** A channel that the broker has closed, and that waits for close-ok. */
async function closing({ raw }: Session): Promise<RawClient> {
  const client = await raw()
  client.send(1, 'queue.purge', { queue: 'compat.nope' })
  await client.expect('channel.close')
  return client
}

function halves(frame: Buffer): [Buffer, Buffer] {
  const middle = Math.floor(frame.length / 2)
  return [frame.subarray(0, middle), frame.subarray(middle)]
}

forEachTarget((test) => {
  test('channel.close in the middle of a content is 505', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.send(1, 'channel.close', { 'reply-code': 200 })
    expect(await rawClosure(client, 'connection')).toEqual(noHeader)
  })

  test('connection.close in the middle of a content is answered', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    await client.call(0, 'connection.close', { 'reply-code': 200 })
    client.destroy()
  })

  test('a heartbeat in the middle of a content is accepted', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.send(1, 'basic.publish', { 'routing-key': queue })
    client.frame(frameType.heartbeat, 0, Buffer.alloc(0))
    client.frame(frameType.header, 1, encodeHeader(2, noProperties))
    client.frame(frameType.heartbeat, 0, Buffer.alloc(0))
    client.frame(frameType.body, 1, Buffer.from('ok'))
    await client.call(1, 'basic.consume', { queue, 'no-ack': true })
    expect((await client.nextMessage()).body.toString()).toBe('ok')
  })

  test('a header without its body waits, and the other channels go on', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.send(1, 'basic.publish', { 'routing-key': queue })
    client.frame(frameType.header, 1, encodeHeader(4, noProperties))
    await client.call(2, 'channel.open')
    client.send(2, 'basic.get', { queue })
    await client.expect('basic.get-empty')
    client.frame(frameType.body, 1, Buffer.from('late'))
    await client.call(2, 'basic.consume', { queue, 'no-ack': true })
    expect((await client.nextMessage()).body.toString()).toBe('late')
  })

  for (const [part, index] of [['method', 0], ['header', 1], ['body', 2]] as const) {
    test(`half a ${part} frame, then silence: the broker waits for the rest`, async ({ raw, name }) => {
      const [client, queue] = [await raw(), name()]
      await client.call(1, 'queue.declare', { queue, exclusive: true })
      await client.call(1, 'basic.consume', { queue, 'no-ack': true })
      const frames = [
        encodeFrame(frameType.method, 1, encodeMethod('basic.publish', { 'routing-key': queue })),
        encodeFrame(frameType.header, 1, encodeHeader(6, noProperties)),
        encodeFrame(frameType.body, 1, Buffer.from('halves')),
      ]
      const [first, second] = halves(frames[index]!)
      client.write(Buffer.concat([...frames.slice(0, index), first]))
      await expect(client.nextFrame(300)).rejects.toThrow('not within 300 ms')
      client.write(Buffer.concat([second, ...frames.slice(index + 1)]))
      expect((await client.nextMessage()).body.toString()).toBe('halves')
    })
  }

  test('a frame that comes byte by byte is a frame', async ({ raw }) => {
    const client = await raw()
    for (const byte of encodeFrame(frameType.method, 1, encodeMethod('channel.flow', { active: true }))) {
      client.write(Buffer.from([byte]))
    }
    expect(await client.expect('channel.flow-ok')).toEqual({ active: true })
  })

  for (const [title, type, size] of [
    ['method', frameType.method, 131_073], ['header', frameType.header, 131_073],
    ['method', frameType.method, 4_294_967_295],
  ] as const) {
    test(`a ${title} frame of ${size} bytes is refused by its first seven`, async ({ raw }) => {
      const client = await raw()
      const start = Buffer.from([type, 0, 1, 0, 0, 0, 0])
      start.writeUInt32BE(size, 3)
      client.write(start)
      expect(await rawClosure(client, 'connection')).toEqual(closed(501,
        `FRAME_ERROR - type ${type}, all octets = <<>>: {frame_too_large,${size},131064}`, 'none'))
    })
  }

  const refusedWhileClosing = (title: string, send: (client: RawClient) => void, expected: object): void => {
    test(`on a channel that waits for close-ok: ${title}`, async (session) => {
      const client = await closing(session)
      send(client)
      expect(await rawClosure(client, 'connection')).toEqual(expected)
    })
  }

  refusedWhileClosing('close-ok instead of a content header is 505', (client) => {
    client.send(1, 'basic.publish')
    client.send(1, 'channel.close-ok')
  }, noHeader)

  refusedWhileClosing('close-ok instead of a body is 505', (client) => {
    client.send(1, 'basic.publish')
    client.frame(frameType.header, 1, encodeHeader(5, noProperties))
    client.send(1, 'channel.close-ok')
  }, noBody)

  refusedWhileClosing('a header without a publish is 505', (client) => {
    client.frame(frameType.header, 1, encodeHeader(5, noProperties))
  }, noMethod)

  refusedWhileClosing('a body without a publish is 505', (client) => {
    client.frame(frameType.body, 1, Buffer.from('x'))
  }, noMethod)

  refusedWhileClosing('arguments that cannot be decoded are 501', (client) => {
    client.frame(frameType.method, 1, Buffer.from([0, 50, 0, 10, 0, 0, 9]))
  }, closed(501, 'FRAME_ERROR - cannot decode <<0,0,9>>', 'queue.declare'))

  test('on a channel that waits for close-ok: what is whole is ignored', async (session) => {
    const client = await closing(session)
    const queue = session.name()
    client.send(1, 'queue.declare', { queue })
    client.send(1, 'basic.publish', { immediate: true })
    // Properties that nobody looks at may be anything.
    client.frame(frameType.header, 1, encodeHeader(1, Buffer.from([0xff, 0xff])))
    client.frame(frameType.body, 1, Buffer.from('x'))
    for (const method of ['queue.declare-ok', 'connection.open'] as const) {
      client.send(1, method)
    }
    client.send(1, 'channel.close-ok')
    await client.call(1, 'channel.open')
    client.send(1, 'queue.declare', { queue, passive: true })
    expect(await rawClosure(client, 'channel')).toMatchObject({ code: 404 })
  })
})
