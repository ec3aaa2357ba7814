import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ContentHeader } from './content-header.ts'
import { decodeProperties, encodeProperties } from './properties.ts'
import type { Properties } from './properties.ts'
import { tableOf } from './table-encode.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const octet = fc.integer({ min: 0, max: 255 })
const properties = fc.record({
  content_type: text, content_encoding: text, delivery_mode: octet, priority: octet, correlation_id: text,
  reply_to: text, expiration: text, message_id: text, timestamp: fc.nat(), type: text, user_id: text,
  app_id: text,
    headers: fc.dictionary(fc.string({ maxLength: 9 }), fc.string()).map((pairs) => tableOf(pairs)),
}, { requiredKeys: [] })

test('what was encoded is decoded the same, and reads as a content header', () => {
  fc.assert(fc.property(properties, (given) => {
    const bytes = encodeProperties(given as Properties)
    expect(decodeProperties(bytes, 0)).toEqual(given)
    const header = new ContentHeader()
    header.readProperties(bytes, 0, bytes.length)
    expect(header.deliveryMode).toBe(given.delivery_mode ?? 0)
  }))
})

test('no properties are two bytes of no flags', () => {
  expect(encodeProperties({})).toEqual(Buffer.from([0, 0]))
})
