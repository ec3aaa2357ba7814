// Connections where the broker's own timers decide: silent closes, heartbeats. Reference: behaviours
// §1.3–§1.8. All tests run beside each other, because each mostly waits. Times are measured from before the
// broker's own begin, and bounded from above only by far more: the machine may be busy.

import { expect } from 'vitest'
import { rawClosure } from './harness/closure.ts'
import { forEachTarget } from './harness/for-each-target.ts'
import { plainResponse, protocolHeader } from './harness/raw-client.ts'
import type { RawClient } from './harness/raw-client.ts'
import { encodeTable, frameType } from './harness/wire.ts'

const silentClose = { min: 2_500, max: 12_000 }

async function expectSilentClose(client: { dropped(): Promise<number>,
  pendingBytes: number }): Promise<void> {
  const tookMs = await client.dropped()
  expect(client.pendingBytes).toBe(0)
  expect(tookMs).toBeGreaterThan(silentClose.min)
  expect(tookMs).toBeLessThan(silentClose.max)
}

forEachTarget((test, target) => {
  for (const [title, startOk] of [
    ['a wrong password without the capability', { mechanism: 'PLAIN', response: plainResponse('guest',
      'wrong') }],
    ['a PLAIN response without its NULs', { mechanism: 'PLAIN', response: 'guest' }],
    ['a mechanism that is not offered', { mechanism: 'EXTERNAL', response: '' }],
    ['an undecodable AMQPLAIN response', { mechanism: 'AMQPLAIN', response: 'nonsense' }],
    ['an AMQPLAIN response without a password', { mechanism: 'AMQPLAIN',
      response: encodeTable([['LOGIN', 'S', 'guest']]).subarray(4).toString('latin1') }],
    ['an empty PLAIN response', { mechanism: 'PLAIN', response: '' }],
    ['a PLAIN response with an identity to act for', { mechanism: 'PLAIN', response: 'zid\0guest\0guest' }],
    ['a mechanism in small letters', { mechanism: 'plain', response: plainResponse('guest', 'guest') }],
    ['a login of an unknown user', { mechanism: 'PLAIN', response: plainResponse('nobody', 'x') }],
  ] as const) {
    test.concurrent(`${title} is dropped after 3 seconds without a word`, async ({ dial }) => {
      const client = await dial()
      client.write(protocolHeader)
      await client.expect('connection.start')
      client.send(0, 'connection.start-ok', { ...startOk, locale: 'en_US' })
      await expectSilentClose(client)
    })
  }

  for (const [title, tune] of [
    ['a frame-max above the offer', { frameMax: 131_073 }],
    ['a frame-max below 4096', { frameMax: 4_095 }],
    ['a channel-max above the offer', { channelMax: 2_048 }],
  ] as const) {
    test.concurrent(`${title} in tune-ok is refused`, async ({ dial, differs }) => {
      const client = await dial()
      await client.login(target)
      client.tuneOk(tune)
      if (!differs('tune-refused')) return expectSilentClose(client)
      const { code, text } = await rawClosure(client, 'connection')
      expect(code).toBe(530)
      expect(text).toMatch(/^NOT_ALLOWED - (frame|channel)_max \d+ is /)
    })
  }

  for (const [title, tune] of [['frame-max', { frameMax: 0 }], ['channel-max', { channelMax: 0 }]] as const) {
    test.concurrent(`a ${title} of 0 in tune-ok`, async ({ dial, differs }) => {
      const client = await dial()
      await client.login(target)
      client.tuneOk(tune)
      if (!differs('tune-zero')) return expectSilentClose(client)
      client.send(0, 'connection.open', { 'virtual-host': '/' })
      await expect(client.expect('connection.open-ok')).resolves.toBeDefined()
    })
  }

  test.concurrent('a frame-max of 4096 is accepted, where it is', async ({ dial, differs, older }) => {
    const client = await dial()
    await client.login(target)
    client.tuneOk({ frameMax: 4096 })
    if (!older('frame-max') && !differs('frame-max-4096')) return expectSilentClose(client)
    client.send(0, 'connection.open', { 'virtual-host': '/' })
    await expect(client.expect('connection.open-ok')).resolves.toBeDefined()
  })

  test.concurrent('a start-ok of more than 8192 bytes', async ({ dial, differs }) => {
    const client = await dial()
    client.write(protocolHeader)
    await client.expect('connection.start')
    client.send(0, 'connection.start-ok', {
      'client-properties': [['long', 'S', 'x'.repeat(9_000)]], 'mechanism': 'PLAIN',
      'response': plainResponse('guest', 'guest'), 'locale': 'en_US',
    })
    if (!differs('start-ok-too-large')) return expectSilentClose(client)
    const { code, text } = await rawClosure(client, 'connection')
    expect(code).toBe(501)
    expect(text).toMatch(/^FRAME_ERROR - type 1, all octets = <<>>: \{frame_too_large,9\d+,8184\}$/)
  })

  test.concurrent('connection.close before the login is dropped without a word', async ({ dial }) => {
    const client = await dial()
    client.write(protocolHeader)
    await client.expect('connection.start')
    client.send(0, 'connection.close', { 'reply-code': 200 })
    await expectSilentClose(client)
  })

  test.concurrent('channel.open before the login is dropped without a word', async ({ dial }) => {
    const client = await dial()
    client.write(protocolHeader)
    await client.expect('connection.start')
    client.send(1, 'channel.open')
    await expectSilentClose(client)
  })

  test.concurrent('a method before the login is dropped after 3 seconds without a word', async ({ dial }) => {
    const client = await dial()
    client.write(protocolHeader)
    await client.expect('connection.start')
    client.send(0, 'connection.open', { 'virtual-host': '/' })
    await expectSilentClose(client)
  })

  test.concurrent('the first heartbeat comes after half the interval', async ({ raw }) => {
    const start = performance.now()
    const client = await raw({ heartbeat: 12 })
    while (client.heartbeats === 0 && performance.now() - start < 11_500) {
      await expect(client.nextFrame(100)).rejects.toThrow('not within')
    }
    expect(client.heartbeats).toBe(1)
    expect(performance.now() - start).toBeGreaterThan(5_500)
  })

  test.concurrent('a silent client is dropped between two and three intervals, without a close', async ({
    raw,
  }) => {
    const start = performance.now()
    const client = await raw({ heartbeat: 2 })
    await client.dropped()
    const tookMs = performance.now() - start
    await expect(client.nextFrame(100)).rejects.toThrow('closed the connection without a frame')
    expect(tookMs).toBeGreaterThan(3_500)
    expect(tookMs).toBeLessThan(12_000)
  })

  test.concurrent('a client that sends only heartbeats stays connected', async ({ raw }) => {
    const client = await raw({ heartbeat: 3 })
    for (let n = 0; n < 10; n++) {
      client.frame(frameType.heartbeat, 0, Buffer.alloc(0))
      await expect(client.nextFrame(1_000)).rejects.toThrow('not within')
    }
    await expect(client.call(2, 'channel.open')).resolves.toBeDefined()
  })

  test.concurrent('a heartbeat above the offer is taken as it is', async ({ raw }) => {
    const client = await raw({ heartbeat: 600 })
    await expect(client.call(2, 'channel.open')).resolves.toBeDefined()
  })

  test.concurrent('heartbeat 0 turns heartbeats off', async ({ raw }) => {
    const client = await raw({ heartbeat: 0 })
    await expect(client.nextFrame(4_000)).rejects.toThrow('not within')
    expect(client.heartbeats).toBe(0)
  })

  for (const [title, begin] of [
    ['before its first byte', () => Promise.resolve()],
    ['in the protocol header', (client: RawClient) => {
      client.write(protocolHeader.subarray(0, 5))
      return Promise.resolve()
    }],
    ['after the protocol header', async (client: RawClient) => {
      client.write(protocolHeader)
      await client.expect('connection.start')
    }],
    ['in a frame', async (client: RawClient) => {
      client.write(protocolHeader)
      await client.expect('connection.start')
      client.write(Buffer.from([1, 0, 0, 0, 0, 0, 200, 0, 10, 0, 11]))
    }],
    ['before connection.open', async (client: RawClient) => {
      await client.login(target)
      client.tuneOk({ heartbeat: 0 })
    }],
  ] as const) {
    test.concurrent(`a handshake that stops ${title} is dropped after 10 seconds`, async ({ dial }) => {
      const start = performance.now()
      const client = await dial()
      await begin(client)
      await client.dropped(30_000)
      expect(performance.now() - start).toBeGreaterThan(9_000)
    }, 45_000)
  }

  test.concurrent('an unanswered close of the broker is dropped after the heartbeat interval', async ({
    raw,
  }) => {
    const client = await raw({ heartbeat: 2 })
    const start = performance.now()
    client.send(0, 'connection.open', { 'virtual-host': '/' })
    await client.expect('connection.close')
    await client.dropped()
    const tookMs = performance.now() - start
    expect(tookMs).toBeGreaterThan(1_000)
    expect(tookMs).toBeLessThan(12_000)
  })

  test.concurrent('a frame with a wrong end octet is told, then dropped', async ({ raw }) => {
    const client = await raw()
    const frame = Buffer.from('0100010000000d0032000a000003616263000000', 'hex')
    client.write(Buffer.concat([frame, Buffer.from([0xcd])]))
    const { code, text } = await rawClosure(client, 'connection')
    expect(code).toBe(501)
    expect(text).toMatch(/^FRAME_ERROR - type 1, .*\{invalid_frame_end_marker,\s*205\}$/s)
    await client.dropped()
  })
})
