// Connections: greeting, tuning, logins, vhosts, the close handshake. Reference: behaviours §1.
// What waits for the broker's own timers (silent closes, heartbeats) is in connection-timing.test.ts.

import { connect, credentials } from 'amqplib'
import { expect } from 'vitest'
import { closed, rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { until } from './harness/poll.ts'
import { plainResponse, protocolHeader } from './harness/raw-client.ts'
import type { RawClient } from './harness/raw-client.ts'
import type { Field } from './harness/wire.ts'
import { encodeTable, frameType } from './harness/wire.ts'

const loginRefused = (mechanism: string): string =>
  `ACCESS_REFUSED - Login was refused using authentication mechanism ${mechanism}. ` +
  'For details see the broker logfile.'

async function greeting(client: RawClient): Promise<Record<string, unknown>> {
  client.write(protocolHeader)
  return client.expect('connection.start')
}

forEachTarget((test, target) => {
  test('the greeting is AMQP 0-9 with locale en_US', async ({ dial }) => {
    const start = await greeting(await dial())
    expect(start).toMatchObject({ 'version-major': 0, 'version-minor': 9, 'locales': 'en_US' })
  })

  test('the mechanisms are offered, separated by blanks', async ({ dial, differs, older }) => {
    const start = await greeting(await dial())
    const isOlder = differs('mechanisms') || older('mechanisms')
    // RabbitMQ 4.3 lists them in no fixed order, so only the set is compared.
    expect((start['mechanisms'] as string).split(' ').toSorted())
      .toEqual(isOlder ? ['AMQPLAIN', 'PLAIN'] : ['AMQPLAIN', 'ANONYMOUS', 'PLAIN'])
  })

  test('the server properties have their names in a fixed order', async ({ dial }) => {
    const start = await greeting(await dial())
    expect((start['server-properties'] as Field[]).map(([name]) => name)).toEqual([
      'capabilities', 'cluster_name', 'copyright', 'information', 'platform', 'product', 'version',
    ])
  })

  test('the server properties are long strings, the capabilities a table', async ({ dial }) => {
    const start = await greeting(await dial())
    expect((start['server-properties'] as Field[]).map(([, tag]) => tag))
      .toEqual(['F', 'S', 'S', 'S', 'S', 'S', 'S'])
  })

  test('the product is named', async ({ sharedConnection, differs }) => {
    const { product } = (await sharedConnection()).connection.serverProperties
    expect(product).toBe(differs('product-name') ? 'Leveret' : 'RabbitMQ')
  })

  test('the version has three numbers', async ({ sharedConnection }) => {
    expect((await sharedConnection()).connection.serverProperties.version).toMatch(/^\d+\.\d+\.\d+/)
  })

  test('the capabilities are the nine of RabbitMQ, true and in its order', async ({ dial }) => {
    const start = await greeting(await dial())
    const properties = start['server-properties'] as Field[]
    expect(properties[0]![2]).toEqual([
      'publisher_confirms', 'exchange_exchange_bindings', 'basic.nack', 'consumer_cancel_notify',
      'connection.blocked', 'consumer_priorities', 'authentication_failure_close', 'per_consumer_qos',
      'direct_reply_to',
    ].map((name) => [name, 't', true]))
  })

  test('the greeting fits the 4096 bytes a client may allow before tune', async ({ dial }) => {
    const client = await dial()
    client.write(protocolHeader)
    const frame = await client.nextFrame()
    expect(frame.payload.length + 8).toBeLessThan(4096)
  })

  test('tune offers channel-max 2047, frame-max 131072, heartbeat 60', async ({ dial }) => {
    const client = await dial()
    expect(await client.login(target)).toEqual({ 'channel-max': 2047, 'frame-max': 131_072, 'heartbeat': 60 })
  })

  test('open-ok has empty known-hosts', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk()
    client.send(0, 'connection.open', { 'virtual-host': '/' })
    expect(await client.expect('connection.open-ok')).toEqual({ 'known-hosts': '' })
  })

  test('a protocol header of 0-9 is taken as 0-9-1', async ({ dial }) => {
    const client = await dial()
    client.write(Buffer.from('AMQP\x01\x01\x00\x09', 'latin1'))
    expect(await client.expect('connection.start')).toMatchObject({ 'version-major': 0, 'version-minor': 9 })
  })

  for (const [title, bytes, isAlways091] of [
    ['0-9-2', 'AMQP\x00\x00\x09\x02', true],
    ['0-10-0', 'AMQP\x00\x00\x0a\x00', true],
    ['1-1-0-10', 'AMQP\x01\x01\x00\x0a', false],
    ['0-8', 'AMQP\x00\x00\x08\x00', false],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n', false],
  ] as const) {
    test(`a protocol header of ${title} is answered with the accepted one and a close`, async ({
      dial, differs, older,
    }) => {
      const client = await dial()
      client.write(Buffer.from(bytes, 'latin1'))
      const is091 = isAlways091 || older('protocol-header') || differs('protocol-header')
      expect((await client.takeBytes(8)).toString('latin1'))
        .toBe(is091 ? 'AMQP\x00\x00\x09\x01' : 'AMQP\x03\x01\x00\x00')
      await client.dropped()
    })
  }

  test('AMQPLAIN logs in', async ({ connect }) => {
    const connection = await connect({ credentials: credentials.amqplain(target.user, target.password) })
    await expect(connection.createChannel()).resolves.toBeDefined()
  })

  for (const [mechanism, response] of [
    ['PLAIN', plainResponse('guest', 'wrong')],
    ['AMQPLAIN', encodeTable([['LOGIN', 'S', 'guest'], ['PASSWORD', 'S',
      'wrong']]).subarray(4).toString('latin1')],
  ] as const) {
    test(`${mechanism} with a wrong password is closed with 403 and the mechanism's name`, async ({
      dial,
    }) => {
      const client = await dial()
      await greeting(client)
      client.send(0, 'connection.start-ok', {
        'client-properties': [['capabilities', 'F', [['authentication_failure_close', 't', true]]]],
        mechanism, response, 'locale': 'en_US',
      })
      expect(await rawClosure(client, 'connection')).toEqual(closed(403, loginRefused(mechanism), 'none'))
    })
  }

  test('an unknown user is closed with 403', async () => {
    const url = new URL(target.url)
    url.username = 'nobody'
    await expect(connect(url.href)).rejects.toThrow(loginRefused('PLAIN'))
  })

  test('an empty password is closed with 403', async ({ dial }) => {
    const client = await dial()
    await greeting(client)
    client.send(0, 'connection.start-ok', {
      'client-properties': [['capabilities', 'F', [['authentication_failure_close', 't', true]]]],
      'mechanism': 'PLAIN', 'response': plainResponse('guest', ''), 'locale': 'en_US',
    })
    expect(await rawClosure(client, 'connection')).toEqual(closed(403, loginRefused('PLAIN'), 'none'))
  })

  test('any locale is accepted', async ({ dial }) => {
    const client = await dial()
    await greeting(client)
    client.send(0, 'connection.start-ok', {
      'mechanism': 'PLAIN', 'response': plainResponse(target.user, target.password), 'locale': 'tlh',
    })
    await expect(client.expect('connection.tune')).resolves.toBeDefined()
  })

  test('an unknown vhost is closed with 530', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk()
    client.send(0, 'connection.open', { 'virtual-host': 'nope' })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(530, 'NOT_ALLOWED - vhost nope not found', 'connection.open'))
  })

  test('an empty vhost name is an unknown vhost', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk()
    client.send(0, 'connection.open', { 'virtual-host': '' })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(530, 'NOT_ALLOWED - vhost  not found', 'connection.open'))
  })

  test('a second tune-ok is 504 in the state opening', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk()
    client.tuneOk()
    expect(await rawClosure(client, 'connection')).toEqual(
      closed(504, 'CHANNEL_ERROR - unexpected method in connection state opening', 'connection.tune-ok'))
  })

  test('connection.close in the state opening is 504', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk()
    client.send(0, 'connection.close', { 'reply-code': 200 })
    expect(await rawClosure(client, 'connection')).toEqual(
      closed(504, 'CHANNEL_ERROR - unexpected method in connection state opening', 'connection.close'))
  })

  test('a frame of a channel in the state opening is 505', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk()
    client.send(1, 'channel.open')
    expect(await rawClosure(client, 'connection')).toEqual(
      closed(505, 'UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>>', 'none'))
  })

  test('heartbeat frames are accepted between the methods of the handshake', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.frame(8, 0, Buffer.alloc(0))
    client.tuneOk()
    client.frame(8, 0, Buffer.alloc(0))
    client.send(0, 'connection.open', { 'virtual-host': '/' })
    await expect(client.expect('connection.open-ok')).resolves.toBeDefined()
  })

  for (const method of ['connection.open', 'connection.tune-ok', 'connection.close-ok',
    'connection.start-ok', 'connection.blocked', 'channel.open', 'queue.declare'] as const) {
    test(`${method} on channel 0 of an open connection is 504`, async ({ raw }) => {
      const client = await raw()
      client.send(0, method)
      expect(await rawClosure(client, 'connection')).toEqual(
        closed(504, 'CHANNEL_ERROR - unexpected method in connection state running', method))
    })
  }

  test('a connection method on channel 1 is 503', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'connection.open', { 'virtual-host': '/' })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(503, 'COMMAND_INVALID - unimplemented method', 'connection.open'))
  })

  test('connection.close is answered with close-ok, and TCP is left to the client', async ({ raw }) => {
    const client = await raw()
    await client.call(0, 'connection.close', { 'reply-code': 200, 'reply-text': 'bye' })
    client.frame(frameType.heartbeat, 0, Buffer.alloc(0))
    expect(client.isClosed).toBe(false)
  })

  test('close-ok to the broker\'s close ends TCP at once', async ({ raw }) => {
    const client = await raw()
    client.send(0, 'connection.open', { 'virtual-host': '/' })
    await rawClosure(client, 'connection')
    // Without a close-ok RabbitMQ waits for 30 seconds.
    expect(await client.dropped()).toBeLessThan(15_000)
  })

  test('after the broker\'s close everything but close-ok is ignored', async ({ raw, name }) => {
    const client = await raw()
    const queue = name()
    client.send(0, 'connection.open', { 'virtual-host': '/' })
    const { name: method } = await client.nextMethod()
    expect(method).toBe('connection.close')
    client.send(1, 'queue.declare', { queue, durable: true })
    client.send(0, 'connection.close-ok')
    await client.dropped()
    expect(client.pendingBytes).toBe(0)
  })

  test('the exclusive name is free again right after close-ok', async ({ connect, name }) => {
    const queue = name()
    /** RabbitMQ answers close-ok, and deletes a little later when it is busy. */
    const isDeclared = async (): Promise<boolean> => {
      const connection = await connect()
      const channel = await connection.createChannel()
      channel.on('error', () => undefined)
      const declared = await channel.assertQueue(queue, { exclusive: true }).then(() => true, () => false)
      await connection.close()
      return declared
    }
    for (let n = 0; n < 5; n++) {
      if (target.isLeveret) expect(await isDeclared()).toBe(true)
      else await until(`${queue} is free again`, isDeclared)
    }
  })

  test('update-secret is answered with update-secret-ok', async ({ sharedConnection }) => {
    const connection = await sharedConnection()
    await connection.updateSecret(Buffer.from('anything'), 'because')
    await expect(connection.createChannel()).resolves.toBeDefined()
  })

  test('a channel beyond channel-max is 530, on the connection', async ({ raw }) => {
    const client = await raw({ channelMax: 2 })
    await client.call(2, 'channel.open')
    client.send(3, 'channel.open')
    expect(await rawClosure(client, 'connection')).toEqual(closed(
      530, 'NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)', 'none'))
  })

  test('channel-max counts channels and does not limit their numbers', async ({ raw }) => {
    const client = await raw({ channelMax: 2 })
    await expect(client.call(65_535, 'channel.open')).resolves.toBeDefined()
  })


  test('update-secret may be repeated, with any secret', async ({ raw }) => {
    const client = await raw()
    for (const secret of ['', 'x'.repeat(5_000)]) {
      expect(await client.call(0, 'connection.update-secret', { 'new-secret': secret, 'reason': 'because' }))
        .toEqual({})
    }
  })

  test('update-secret on a channel is 503', async ({ raw }) => {
    const client = await raw()
    client.send(1, 'connection.update-secret', { 'new-secret': 'x', 'reason': 'because' })
    expect(await rawClosure(client, 'connection'))
      .toEqual(closed(503, 'COMMAND_INVALID - unimplemented method', 'connection.update-secret'))
  })

  test('update-secret before the vhost is open is 504', async ({ dial }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk()
    client.send(0, 'connection.update-secret', { 'new-secret': 'x', 'reason': 'because' })
    expect(await rawClosure(client, 'connection')).toEqual(closed(
      504, 'CHANNEL_ERROR - unexpected method in connection state opening', 'connection.update-secret'))
  })

  test('channel-max is free again when a channel closes', async ({ raw }) => {
    const client = await raw({ channelMax: 1 })
    await client.call(1, 'channel.close', { 'reply-code': 200 })
    await expect(client.call(2, 'channel.open')).resolves.toBeDefined()
  })
})
