// What comes back from the store as an entry, and what it says of itself.
import { expect, it } from 'vitest'
import type { StoredMessage } from '../store/store.ts'
import { noHolder } from './queue.contract.ts'
import { storedEntry } from './stored-entry.ts'

/** Headers and body one after the other in the middle of a page. */
function storedOf(id: number, properties: string, more: Partial<StoredMessage> = {}): StoredMessage {
  const head = Buffer.from(properties, 'hex')
  const body = Buffer.from(`body ${id}`)
  const buf = Buffer.concat([Buffer.from('before'), head, body, Buffer.from('after')])
  const bodyStart = 6 + head.length
  return {
    id, buf, propertiesStart: 6, propertiesEnd: bodyStart, bodyStart, bodyEnd: bodyStart + body.length,
    exchange: 'x', routingKey: `k${id % 2}`, rawKey: null, expiresAtMs: Infinity, bodyId: 0, level: 0,
    deliveryCount: 0, isDeadLetter: false, ...more,
  }
}

it('has envelope, properties and body', () => {
  for (const id of [1, 2, 3]) {
    const { message, ...entry } = storedEntry(storedOf(id, '8000026f6b', { bodyId: id * 10 }), noHolder, 0)
    const { buf, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = message
    expect([entry.id, entry.isStored, entry.batch, entry.position]).toEqual([id, true, 0, 0])
    expect([message.exchange, message.routingKey, message.bodyId]).toEqual(['x', `k${id % 2}`, id * 10])
    expect(buf.toString('hex', propertiesStart, propertiesEnd)).toBe('8000026f6b')
    expect(buf.toString('utf8', bodyStart, bodyEnd)).toBe(`body ${id}`)
    expect(message.envelope.wire.toString()).toBe(`\x01x\x02k${id % 2}`)
  }
})

it('keeps a routing key that is not UTF-8, also beside others that read the same', () => {
  const keys = [Buffer.from([0xff]), Buffer.from([0xfe])]
  const envelopes = keys.map((rawKey) =>
    storedEntry(storedOf(1, '0000', { routingKey: '\uFFFD', rawKey }), noHolder, 0).message.envelope)
  expect(envelopes.map(({ wire }) => wire.subarray(3))).toEqual(keys)
  expect(envelopes.map(({ rawKey }) => rawKey)).toEqual(keys)
})

it('is persistent by its delivery mode, and has its priority', () => {
  const [persistent, transient] = ['18000207', '18000103'].map((hex) =>
    storedEntry(storedOf(1, hex), noHolder, 0).message)
  expect([persistent!.isPersistent, persistent!.priority]).toEqual([true, 7])
  expect([transient!.isPersistent, transient!.priority]).toEqual([false, 3])
})

it('expires in its queue when the store says so', () => {
  expect(storedEntry(storedOf(1, '0000', { expiresAtMs: 77 }), noHolder, 0).expiresAtMs).toBe(77)
})

it('says that it was delivered as often as it was', () => {
  expect(storedEntry(storedOf(1, '0000', { deliveryCount: 3 }), noHolder, 0).deliveryCount).toBe(3)
  expect(storedEntry(storedOf(1, '0000'), noHolder, 0).isRedelivered).toBe(false)
})

it('says that it may have been delivered by a process that then died', () => {
  expect(storedEntry(storedOf(9, '0000'), noHolder, 9).deliveryCount).toBe(1)
  expect(storedEntry(storedOf(9, '0000', { deliveryCount: 3 }), noHolder, 9).deliveryCount).toBe(3)
  expect(storedEntry(storedOf(10, '0000'), noHolder, 9).isRedelivered).toBe(false)
})
