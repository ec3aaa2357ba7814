// What a message carries: properties and headers byte for byte, bodies of all sizes, request and reply.
// Reference: behaviours §5.2, §1.11. Raw frames, because amqplib can neither write all tags nor show the
// bytes.

import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachKind } from './harness/for-each-kind.ts'
import { collect, get, text } from './harness/messages.ts'
import { until } from './harness/poll.ts'
import type { RawMessage } from './harness/raw-client.ts'
import type { Session } from './harness/session.ts'
import { encodeHeader, encodeProperties, frameType } from './harness/wire.ts'
import type { Args, Field } from './harness/wire.ts'

/** Sends one message with these properties through a queue; gives back what was delivered. */
async function roundTrip({ raw, name }: Session, properties: Args | Buffer,
  body = Buffer.from('x')): Promise<RawMessage> {
  const [client, queue] = [await raw(), name()]
  await client.call(1, 'queue.declare', { queue, exclusive: true })
  client.publish(1, { 'routing-key': queue }, properties, body)
  await client.call(1, 'basic.consume', { queue, 'no-ack': true })
  return client.nextMessage()
}

const everyProperty: Args = {
  'content-type': 'application/json', 'content-encoding': 'gzip', 'headers': [['a', 'S', 'b']],
    'delivery-mode': 2,
  'priority': 7, 'correlation-id': 'c-1', 'reply-to': 'r', 'expiration': '60000', 'message-id': 'm-1',
  'timestamp': 1_700_000_000, 'type': 't', 'user-id': 'guest', 'app-id': 'a', 'cluster-id': 'cl',
}

const fieldTypes: [title: string, fields: Field[]][] = [
  ['S long string', [['h', 'S', 'text é']]], ['S empty', [['h', 'S', '']]],
  ['S that is not UTF-8', [['h', 'S', Buffer.from([0xff, 0x00, 0xfe]) as never]]],
  ['I signed 32', [['h', 'I', -2_147_483_648]]], ['i unsigned 32', [['h', 'i', 4_294_967_295]]],
  ['l signed 64', [['h', 'l', -9_223_372_036_854_775_808n]]],
  ['s signed 16', [['h', 's', -32_768]]], ['u unsigned 16', [['h', 'u', 65_535]]],
  ['b signed 8', [['h', 'b', -128]]], ['B unsigned 8', [['h', 'B', 255]]],
  ['f float', [['h', 'f', 1.5]]], ['d double', [['h', 'd', 0.1]]], ['d not a whole number of any width',
    [['h', 'd', 1e300]]],
  ['t true', [['h', 't', true]]], ['t false', [['h', 't', false]]],
  ['T timestamp', [['h', 'T', 1_700_000_000n]]], ['D decimal', [['h', 'D', [2, 31_415]]]],
  ['V void', [['h', 'V']]], ['x bytes', [['h', 'x', Buffer.from([0, 1, 255])]]],
  ['A array', [['h', 'A', [['S', 'a'], ['I', 1], ['A', [['t', true]]], ['V']]]]], ['A empty', [['h', 'A',
    []]]],
  ['F table, its order kept', [['h', 'F', [['z', 'S', '1'], ['a', 'I', 2], ['m', 'F', []]]]]],
]

forEachKind((test, target) => {
  test('all fourteen properties arrive as sent', async (session) => {
    const properties = { ...everyProperty, 'user-id': target.user }
    const message = await roundTrip(session, properties)
    expect(message.properties.toString('hex')).toBe(encodeProperties(properties).toString('hex'))
  })

  for (const [property, value] of Object.entries(everyProperty)) {
    test(`${property} alone arrives as sent`, async (session) => {
      const properties = { [property]: property === 'user-id' ? target.user : value }
      const message = await roundTrip(session, properties)
      expect(message.properties.toString('hex')).toBe(encodeProperties(properties).toString('hex'))
    })
  }

  test('no properties arrive as none', async (session) => {
    expect((await roundTrip(session, {})).properties.toString('hex')).toBe('0000')
  })

  for (const [title, fields] of fieldTypes) {
    test(`a header of type ${title} arrives as sent`, async (session) => {
      const message = await roundTrip(session, { headers: fields })
      expect(message.properties.toString('hex')).toBe(encodeProperties({ headers: fields }).toString('hex'))
    })
  }

  test('a header of type L', async (session) => {
    const message = await roundTrip(session, { headers: [['h', 'L', 5n]] })
    const tag = session.older('header-conversion') || session.differs('long-header-tag') ? 'L' : 'l'
    expect(message.properties.toString('hex'))
      .toBe(encodeProperties({ headers: [['h', tag, 5n]] }).toString('hex'))
  })

  test('an empty header table stays one', async (session) => {
    expect((await roundTrip(session, { headers: [] })).properties.toString('hex')).toBe('200000000000')
  })

  test('the order of the top-level headers', async (session) => {
    const sent: Field[] = [['z', 'I', 1], ['b', 'I', 2], ['a', 'I', 3], ['B', 'I', 4]]
    const sorted: Field[] = [['B', 'I', 4], ['a', 'I', 3], ['b', 'I', 2], ['z', 'I', 1]]
    const message = await roundTrip(session, { headers: sent })
    const isKept = session.older('header-conversion') || session.differs('header-order')
    expect(message.properties.toString('hex'))
      .toBe(encodeProperties({ headers: isKept ? sent : sorted }).toString('hex'))
  })

  test('duplicates among the top-level headers', async (session) => {
    const sent: Field[] = [['a', 'I', 1], ['a', 'I', 2]]
    const message = await roundTrip(session, { headers: sent })
    const isKept = session.older('header-conversion') || session.differs('header-order')
    expect(message.properties.toString('hex'))
      .toBe(encodeProperties({ headers: isKept ? sent : [['a', 'I', 1]] }).toString('hex'))
  })

  test('headers and properties are the same in get and return', async ({ raw, name }) => {
    const [client, queue] = [await raw(), name()]
    const properties = encodeProperties({ 'headers': [['a', 'I', 1]], 'message-id': 'm' })
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    client.publish(1, { 'routing-key': queue }, properties, Buffer.from('x'))
    client.publish(1, { 'routing-key': 'nowhere', 'mandatory': true }, properties, Buffer.from('y'))
    const returned = await client.nextMessage()
    client.send(1, 'basic.get', { queue })
    const got = await client.nextMessage()
    expect([returned.properties, got.properties]).toEqual([properties, properties])
  })

  test('the continuation bit of the property flags is ignored; 3.x passes it on', async (session) => {
    const properties = encodeProperties({ 'message-id': 'm' })
    const flagged = Buffer.from(properties)
    flagged[1] = flagged[1]! | 1
    const message = await roundTrip(session, flagged)
    expect(message.properties.toString('hex'))
      .toBe((session.older('property-flags') ? flagged : properties).toString('hex'))
  })

  for (const [title, properties] of [
    ['truncated properties', Buffer.from([0x80, 0, 9])],
    ['a header of an unknown tag', encodeProperties({ headers: [['h', 'U', Buffer.from([0, 0, 0, 0])]] })],
  ] as const) {
    test(`${title} close the connection`, async ({ raw, differs }) => {
      const client = await raw()
      client.publish(1, { 'routing-key': 'nowhere' }, properties, Buffer.from('x'))
      const closure = await rawClosure(client, 'connection')
      if (differs('undecodable-properties')) expect(closure.code).toBe(502)
      else expect(closure).toEqual(closed(541, 'INTERNAL_ERROR', 'none'))
    })
  }

  test('a routing key of 255 bytes that are no UTF-8 arrives as sent', async ({ raw, name }) => {
    const [client, queue, exchange] = [await raw(), name('q'), name('x')]
    await client.call(1, 'queue.declare', { queue, exclusive: true })
    await client.call(1, 'exchange.declare', { exchange, type: 'fanout', durable: true })
    await client.call(1, 'queue.bind', { queue, exchange })
    await client.call(1, 'basic.consume', { queue, 'no-ack': true })
    client.publish(1, { exchange, 'routing-key': Buffer.alloc(255, 0xfe) }, {}, Buffer.from('x'))
    await client.nextFrame()
    // deliver ends with the routing key: 1 byte of length and the 255 bytes
    client.publish(1, { exchange, 'routing-key': Buffer.alloc(255, 0xfe) }, {}, Buffer.from('y'))
    await client.nextFrame()
    await client.nextFrame()
    const deliver = await client.nextFrame()
    expect(deliver.payload.subarray(-256))
      .toEqual(Buffer.concat([Buffer.from([255]), Buffer.alloc(255, 0xfe)]))
  })

  for (const size of [1, 8_183, 8_184, 8_185, 8_192, 8_193, 16_368, 16_369, 65_536]) {
    test(`a body of ${size} bytes goes through at frame-max 8192`, async ({ raw, name }) => {
      const [client, queue] = [await raw({ frameMax: 8192 }), name()]
      const body = Buffer.alloc(size, 'leveret')
      await client.call(1, 'queue.declare', { queue, exclusive: true })
      client.send(1, 'basic.publish', { 'routing-key': queue })
      client.frame(frameType.header, 1, encodeHeader(size, encodeProperties()))
      for (let at = 0; at < size; at += 8_184) client.frame(frameType.body, 1, body.subarray(at, at + 8_184))
      await client.call(1, 'basic.consume', { queue, 'no-ack': true })
      const message = await client.nextMessage()
      expect([message.bodySize, message.body.equals(body)]).toEqual([size, true])
    })
  }

  for (const size of [131_063, 131_064, 131_065, 131_072, 1 << 20, 5 << 20]) {
    test(`a body of ${size} bytes goes through at frame-max 131072`, async ({ confirmChannel, name }) => {
      const ch = await confirmChannel()
      const { queue } = await ch.assertQueue(name())
      const body = Buffer.alloc(size, 'leveret')
      ch.sendToQueue(queue, body, { persistent: true })
      await ch.waitForConfirms()
      const message = await get(ch, queue)
      expect([message.content.length, message.content.equals(body)]).toEqual([size, true])
    })
  }

  test('an empty body has no body frame', async (session) => {
    const message = await roundTrip(session, { 'message-id': 'm' }, Buffer.alloc(0))
    expect([message.bodySize, message.body.length]).toEqual([0, 0])
  })

  test('large and empty bodies keep their order', async ({ confirmChannel, name }) => {
    const ch = await confirmChannel()
    const { queue } = await ch.assertQueue(name())
    const sizes = [0, 300_000, 1, 0, 131_065, 7]
    for (const size of sizes) ch.sendToQueue(queue, Buffer.alloc(size, 'x'))
    await ch.waitForConfirms()
    const inbox = await collect(ch, queue)
    await inbox.texts(sizes.length)
    expect(inbox.messages.map(({ content }) => content.length)).toEqual(sizes)
  })

  test('a body over 16 MiB is 406 once it is there (4.x)', async ({ raw }) => {
    const client = await raw()
    const body = Buffer.alloc((16 << 20) + 1)
    client.send(1, 'basic.publish', { 'routing-key': 'nowhere' })
    client.frame(frameType.header, 1, encodeHeader(body.length, encodeProperties()))
    for (let at = 0; at < body.length; at += 131_064) {
      client.frame(frameType.body, 1, body.subarray(at, at + 131_064))
    }
    expect(await rawClosure(client, 'channel')).toEqual(closed(406,
      'PRECONDITION_FAILED - message size 16777217 is larger than configured max size 16777216',
        'basic.publish'))
  })

  test.classic('a request finds its reply by correlationId and replyTo', async (session) => {
    const { channel, connect, name } = session
    const [server, client] = [await channel(), await channel(await connect())]
    const { queue: requests } = await server.assertQueue(name())
    await server.consume(requests, (request) => {
      const { replyTo, correlationId } = request!.properties as { replyTo: string, correlationId: string }
      server.sendToQueue(replyTo, Buffer.from(text(request).toUpperCase()), { correlationId })
      server.ack(request!)
    })
    const { queue: replyTo } = await client.assertQueue('', { exclusive: true })
    const replies = await collect(client, replyTo, { noAck: true })
    for (const word of ['one', 'two', 'three']) {
      client.sendToQueue(requests, Buffer.from(word), { replyTo, correlationId: `id-${word}` })
    }
    await replies.texts(3)
    expect(Object.fromEntries(replies.messages.map((reply) => [reply.properties.correlationId, text(reply)])))
      .toEqual({ 'id-one': 'ONE', 'id-two': 'TWO', 'id-three': 'THREE' })
  })


  test('a delivery mode that is neither 1 nor 2 arrives as sent (4.x)', async ({ raw, name, older }) => {
    const [client, queue] = [await raw(), name()]
    await client.call(1, 'queue.declare', { queue, durable: true })
    client.publish(1, { 'routing-key': queue }, { 'delivery-mode': 7 }, Buffer.from('x'))
    if (older('delivery-mode')) {
      expect((await rawClosure(client, 'channel')).code).toBe(406)
      return
    }
    const got = await until('the message', async () => {
      client.send(1, 'basic.get', { queue, 'no-ack': true })
      const { payload } = await client.nextFrame()
      return payload.readUInt16BE(2) === 71 && client.nextFrame()
    })
    expect(got.payload.subarray(12)).toEqual(encodeProperties({ 'delivery-mode': 7 }))
  })
})
