// Broken frames on an open connection: which code, which text, which method is blamed. Reference: behaviours
// §1.11.

import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { encodeFrame, encodeHeader, encodeMethod, encodeProperties, frameType } from './harness/wire.ts'
import type { Field } from './harness/wire.ts'

const noProperties = encodeProperties()
const updateSecret = encodeMethod('connection.update-secret', { 'new-secret': 'abc', 'reason': 'why' })

forEachTarget((test) => {
  test('an unknown frame type is 501, showing its octets', async ({ raw }) => {
    const client = await raw()
    client.frame(99, 1, Buffer.from([1, 2, 3]))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(501, 'FRAME_ERROR - type 99, all octets = <<1,2,3>>: unknown_frame', 'none'))
  })

  test('of a long unknown frame only the first 16 octets are shown', async ({ raw }) => {
    const client = await raw()
    client.frame(99, 1, Buffer.from('abcdefghijklmnopqrstuvwxyz'))
    expect(await rawClosure(client, 'connection')).toEqual(
      closed(501, 'FRAME_ERROR - type 99, first 16 octets = <<"abcdefghijklmnop">>: unknown_frame', 'none'))
  })

  test('a frame larger than frame-max is 501 with both sizes', async ({ raw }) => {
    const client = await raw({ frameMax: 8192 })
    client.send(1, 'basic.publish')
    client.frame(frameType.header, 1, encodeHeader(9000, noProperties))
    client.frame(frameType.body, 1, Buffer.alloc(8193))
    expect(await rawClosure(client, 'connection')).toEqual(
      closed(501, 'FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,8193,8184}', 'none'))
  })

  test('a payload of exactly frame-max is accepted', async ({ raw, name }) => {
    const client = await raw({ frameMax: 8192 })
    const queue = name()
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.publish(1, { 'routing-key': queue }, {}, Buffer.alloc(8192))
    client.send(1, 'basic.consume', { queue, 'no-ack': true })
    await client.expect('basic.consume-ok')
    expect((await client.nextMessage()).body).toHaveLength(8192)
  })

  test('a heartbeat on channel 1 is 505', async ({ raw }) => {
    const client = await raw()
    client.frame(frameType.heartbeat, 1, Buffer.alloc(0))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(505, 'UNEXPECTED_FRAME - type 8, all octets = <<>>', 'none'))
  })

  test('a header frame on channel 0 is 505', async ({ raw }) => {
    const client = await raw()
    client.frame(frameType.header, 0, encodeHeader(0, noProperties))
    expect(await rawClosure(client, 'connection')).toEqual(
      closed(505, 'UNEXPECTED_FRAME - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,0,0,0>>', 'none'))
  })

  for (const channel of [0, 1]) {
    test(`a method of an unknown class on channel ${channel}`, async ({ raw, differs }) => {
      const client = await raw()
      client.frame(frameType.method, channel, Buffer.from([0, 77, 0, 10]))
      if (differs('unknown-class')) {
        expect(await rawClosure(client, 'connection'))
          .toMatchObject(closed(503, 'COMMAND_INVALID - unimplemented method'))
        return
      }
      await client.dropped()
      expect(client.pendingBytes).toBe(0)
    })
  }

  for (const [channel, classId] of [[0, 10], [1, 50]] as const) {
    test(`an unknown method of a known class on channel ${channel}`, async ({ raw, differs }) => {
      const client = await raw()
      client.frame(frameType.method, channel, Buffer.from([0, classId, 0, 99]))
      if (differs('unknown-method')) {
        expect(await rawClosure(client, 'connection'))
          .toEqual({ code: 501, text: 'FRAME_ERROR - cannot decode <<>>', method: `${classId}.99` })
        return
      }
      await client.dropped()
      expect(client.pendingBytes).toBe(0)
    })
  }

  for (const [title, method] of [
    ['end too early', updateSecret.subarray(0, -1)],
    ['go on', Buffer.concat([updateSecret, Buffer.from([9])])],
  ] as const) {
    test(`arguments on channel 0 that ${title}`, async ({ raw, differs }) => {
      const client = await raw()
      client.frame(frameType.method, 0, method)
      const { code, method: blamed } = await rawClosure(client, 'connection')
      expect({ code, blamed }).toEqual(differs('undecodable-channel-0')
        ? { code: 501, blamed: 'connection.update-secret' } : { code: 541, blamed: 'none' })
    })
  }

  for (const [channel, state] of [[1, 'open'], [7, 'not open']] as const) {
    test(`truncated arguments are 501, showing them, on a channel that is ${state}`, async ({ raw }) => {
      const client = await raw()
      client.frame(frameType.method, channel, Buffer.from([0, 50, 0, 10, 0, 0, 9]))
      expect(await rawClosure(client, 'connection'))
        .toEqual(closed(501, 'FRAME_ERROR - cannot decode <<0,0,9>>', 'queue.declare'))
    })
  }

  test('a publish on a channel that is not open is 504 once its content is whole', async ({ raw }) => {
    const client = await raw()
    client.send(7, 'basic.publish')
    client.frame(frameType.header, 7, encodeHeader(0, noProperties))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(504, 'CHANNEL_ERROR - expected \'channel.open\'', 'basic.publish'))
  })

  test('a publish on a channel that is not open, and no content', async ({ raw, differs }) => {
    const client = await raw()
    client.send(7, 'basic.publish')
    client.send(7, 'basic.qos')
    expect(await rawClosure(client, 'connection')).toEqual(differs('unopened-publish')
      ? closed(504, 'CHANNEL_ERROR - expected \'channel.open\'', 'basic.publish')
      : closed(505, 'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame '
        + 'instead', 'basic.publish'))
  })

  test('a queue name that is not UTF-8 is 501', async ({ raw }) => {
    const client = await raw()
    const method = encodeMethod('queue.purge', { queue: 'abc' })
    method[8] = 0xff
    client.frame(frameType.method, 1, method)
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(501, 'FRAME_ERROR - Malformed UTF-8 in shortstr', 'none'))
  })

  test('an exchange that is not UTF-8 is 404 to a publish', async ({ raw }) => {
    const client = await raw()
    const method = encodeMethod('basic.publish', { exchange: 'abc' })
    method[8] = 0xff
    client.frame(frameType.method, 1, method)
    client.frame(frameType.header, 1, encodeHeader(0, noProperties))
    expect(await rawClosure(client, 'channel')).toMatchObject({ code: 404, method: 'basic.publish' })
  })

  test('a content header that is shorter than 12 bytes is no frame', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.frame(frameType.header, 1, Buffer.from([0, 60, 0]))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(501, 'FRAME_ERROR - type 2, all octets = <<0,60,0>>: unknown_frame', 'none'))
  })

  test('a server\'s method with arguments that end too early', async ({ raw, differs }) => {
    const client = await raw()
    client.frame(frameType.method, 1, Buffer.from([0, 50, 0, 11, 9]))
    const expected = differs('undecodable-unimplemented')
      ? closed(503, 'COMMAND_INVALID - unimplemented method', 'queue.declare-ok')
      : closed(501, 'FRAME_ERROR - cannot decode <<9>>', 'queue.declare-ok')
    expect(await rawClosure(client, 'connection')).toEqual(expected)
  })

  test('tables nested 100 deep', async ({ raw, differs }) => {
    const client = await raw()
    let nested: Field = ['a', 'V']
    for (let depth = 0; depth < 100; depth++) nested = ['a', 'F', [nested]]
    client.send(1, 'exchange.declare', { 'exchange': 'amq.direct', 'type': 'direct', 'durable': true,
      'arguments': [nested] })
    if (differs('nesting-limit')) {
      expect((await rawClosure(client, 'connection')).code).toBe(501)
      return
    }
    await client.expect('exchange.declare-ok')
  })

  for (const [title, type, payload] of [
    ['header', frameType.header, encodeHeader(0, noProperties)], ['body', frameType.body, Buffer.from('x')],
  ] as const) {
    test(`a ${title} frame without a publish is 505`, async ({ raw }) => {
      const client = await raw()
      client.frame(type, 1, payload)
      expect(await rawClosure(client, 'connection')).toEqual(
        closed(505, 'UNEXPECTED_FRAME - expected method frame, got non method frame instead', 'none'))
    })
  }

  test('a method instead of the content header is 505', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.send(1, 'basic.publish')
    expect(await rawClosure(client, 'connection')).toEqual(closed(505,
      'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead',
      'basic.publish'))
  })

  test('a content header of another class is 505', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.frame(frameType.header, 1, encodeHeader(0, noProperties, 50))
    expect(await rawClosure(client, 'connection')).toEqual(closed(505,
      'UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead',
        'basic.publish'))
  })

  test('a method before the body is complete is 505', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.frame(frameType.header, 1, encodeHeader(10, noProperties))
    client.frame(frameType.body, 1, Buffer.from('half'))
    client.send(1, 'basic.publish')
    expect(await rawClosure(client, 'connection')).toEqual(closed(505,
      'UNEXPECTED_FRAME - expected content body, got non content body frame instead', 'basic.publish'))
  })

  test('more body bytes than announced are 501 (4.x)', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.frame(frameType.header, 1, encodeHeader(2, noProperties))
    client.frame(frameType.body, 1, Buffer.from('three'))
    expect(await rawClosure(client, 'connection')).toEqual(closed(501,
      'FRAME_ERROR - content body frame exceeds remaining content size', 'basic.publish'))
  })

  test('an announced body over 512 MiB is 501 (4.x)', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.frame(frameType.header, 1, encodeHeader(536_870_913, noProperties))
    expect(await rawClosure(client, 'connection')).toEqual(closed(501,
      'FRAME_ERROR - content body size 536870913 exceeds maximum allowed size 536870912', 'basic.publish'))
  })

  test('empty body frames inside a body are accepted', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.send(1, 'basic.publish', { 'routing-key': queue })
    client.frame(frameType.header, 1, encodeHeader(4, noProperties))
    for (const part of ['', 'ab', '', 'cd']) client.frame(frameType.body, 1, Buffer.from(part))
    await client.call(1, 'basic.consume', { queue, 'no-ack': true })
    expect((await client.nextMessage()).body.toString()).toBe('abcd')
  })

  test('contents of two channels may interleave', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    await client.call(2, 'channel.open')
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    for (const channel of [1, 2]) client.send(channel, 'basic.publish', { 'routing-key': queue })
    for (const channel of [1, 2]) client.frame(frameType.header, channel, encodeHeader(3, noProperties))
    client.frame(frameType.body, 2, Buffer.from('two'))
    client.frame(frameType.body, 1, Buffer.from('one'))
    await client.call(1, 'basic.consume', { queue, 'no-ack': true })
    const bodies = [(await client.nextMessage()).body.toString(),
      (await client.nextMessage()).body.toString()]
    expect(bodies.toSorted()).toEqual(['one', 'two'])
  })

  for (const method of ['queue.declare-ok', 'basic.get-empty', 'channel.flow-ok'] as const) {
    test(`${method} from a client is 503`, async ({ raw }) => {
      const client = await raw()
      client.send(1, method)
      expect(await rawClosure(client, 'connection'))
        .toEqual(closed(503, 'COMMAND_INVALID - unimplemented method', method))
    })
  }

  test('basic.deliver with its content from a client is 503', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.deliver')
    client.frame(frameType.header, 1, encodeHeader(0, noProperties))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(503, 'COMMAND_INVALID - unimplemented method', 'basic.deliver'))
  })

  test('the broker splits a body at frame-max minus 8', async ({ raw, name }) => {
    const client = await raw({ frameMax: 8192 })
    const queue = name()
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.send(1, 'basic.publish', { 'routing-key': queue })
    client.frame(frameType.header, 1, encodeHeader(8185, noProperties))
    client.frame(frameType.body, 1, Buffer.alloc(8184, 'a'))
    client.frame(frameType.body, 1, Buffer.from('b'))
    await client.call(1, 'basic.consume', { queue, 'no-ack': true })
    await client.expect('basic.deliver')
    await client.nextFrame()
    expect([(await client.nextFrame()).payload.length, (await client.nextFrame()).payload.length])
      .toEqual([8184, 1])
  })

  test('a content header larger than frame-max is delivered in one frame', async ({ raw, name }) => {
    const sender = await raw()
    const receiver = await raw({ frameMax: 8192 })
    const queue = name()
    await receiver.call(1, 'queue.declare', { queue, exclusive: true })
    sender.publish(1, { 'routing-key': queue }, { headers: [['big', 'S', 'x'.repeat(20_000)]] })
    await receiver.call(1, 'basic.consume', { queue, 'no-ack': true })
    expect((await receiver.nextMessage()).properties.length).toBeGreaterThan(20_000)
  })


  test('a method frame too short for a method is 501', async ({ raw }) => {
    const client = await raw()
    client.frame(frameType.method, 1, Buffer.from([0, 50]))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(501, 'FRAME_ERROR - type 1, all octets = <<0,50>>: unknown_frame', 'none'))
  })

  test('a heartbeat with a payload is 501', async ({ raw }) => {
    const client = await raw()
    client.frame(frameType.heartbeat, 0, Buffer.from([7]))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(501, 'FRAME_ERROR - type 8, all octets = <<7>>: unknown_frame', 'none'))
  })

  test('octets after the last argument are 501, showing all of them', async ({ raw }) => {
    const client = await raw()
    const method = Buffer.concat([encodeMethod('channel.flow', { active: true }), Buffer.from([9])])
    client.frame(frameType.method, 1, method)
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(501, 'FRAME_ERROR - cannot decode <<1,9>>', 'channel.flow'))
  })

  test('a body frame on channel 0 is 505', async ({ raw }) => {
    const client = await raw()
    client.frame(frameType.body, 0, Buffer.from([1, 2]))
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(505, 'UNEXPECTED_FRAME - type 3, all octets = <<1,2>>', 'none'))
  })

  test('a content header with a weight is 505', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    const header = encodeHeader(0, noProperties)
    header[3] = 1
    client.frame(frameType.header, 1, header)
    expect(await rawClosure(client, 'connection')).toEqual(closed(505,
      'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead',
      'basic.publish'))
  })

  test('a body frame instead of the content header is 505', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    client.frame(frameType.body, 1, Buffer.from('x'))
    expect(await rawClosure(client, 'connection')).toEqual(closed(505,
      'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead',
      'basic.publish'))
  })

  test('a second content header is 505', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'basic.publish')
    for (let n = 0; n < 2; n++) client.frame(frameType.header, 1, encodeHeader(1, noProperties))
    expect(await rawClosure(client, 'connection')).toEqual(closed(505,
      'UNEXPECTED_FRAME - expected content body, got non content body frame instead', 'basic.publish'))
  })

  test('a body frame after an empty body is 505', async ({ raw }) => {
    const client = await raw()
    client.publish(1, { 'routing-key': 'nowhere' })
    client.frame(frameType.body, 1, Buffer.from('x'))
    expect(await rawClosure(client, 'connection')).toEqual(
      closed(505, 'UNEXPECTED_FRAME - expected method frame, got non method frame instead', 'none'))
  })

  for (const [method, args] of [
    ['exchange.declare', { exchange: 'abc' }], ['exchange.declare', { type: 'abc' }],
    ['basic.cancel', { 'consumer-tag': 'abc' }], ['queue.bind', { 'routing-key': 'abc' }],
  ] as const) {
    test(`${Object.keys(args).join()} of ${method} that is not UTF-8 is 501`, async ({ raw }) => {
      const client = await raw()
      const bytes = encodeMethod(method, args)
      bytes[bytes.indexOf('abc')] = 0xff
      client.frame(frameType.method, 1, bytes)
      expect(await rawClosure(client, 'connection'))
        .toEqual(closed(501, 'FRAME_ERROR - Malformed UTF-8 in shortstr', 'none'))
    })
  }

  test('half a frame, then silence: the broker waits for the rest', async ({ raw }) => {
    const client = await raw()
    const frame = encodeFrame(frameType.method, 1, encodeMethod('channel.flow', { active: true }))
    client.write(frame.subarray(0, 9))
    await expect(client.nextFrame(500)).rejects.toThrow('not within 500 ms')
    client.write(frame.subarray(9))
    expect(await client.expect('channel.flow-ok')).toEqual({ active: true })
  })
})
