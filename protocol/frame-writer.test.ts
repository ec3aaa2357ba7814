// The frame writer, and the two short cuts it has: prebuilt delivers against the generated writer, bodies by
// reference against plain concatenation.
import { array, assert, boolean, constantFrom, integer, maxSafeNat, nat, property, record,
  string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildDeliverTemplate } from './deliver-template.ts'
import { encodeEnvelope, writeGetOk, writeReturn } from './envelope.ts'
import { FrameWriter } from './frame-writer.ts'
import {
  writeBasicAck, writeBasicDeliver, writeBasicGetOk, writeBasicReturn, writeConnectionStart,
  writeQueueDeclareOk,
} from './methods.gen.ts'
import { FRAME_BODY, FRAME_HEADER } from './spec.ts'
import { EMPTY_TABLE } from './table.ts'
import { tableOf } from './table-encode.ts'

const SLAB_BYTES = 64 * 1024
/** Unit strings whose bytes fit a short string. */
const shortString = string({ maxLength: 80, unit: 'grapheme' })
  .filter((text) => Buffer.byteLength(text) <= 255)

interface Frame {
  readonly type: number
  readonly channel: number
  readonly payload: Buffer
}

/** The obvious way to read frames; a wrong size or end fails the test. */
function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32BE(at + 3)
    expect(bytes[at + 7 + size]).toBe(206)
    frames.push({
      type: bytes[at]!, channel: bytes.readUInt16BE(at + 1), payload: bytes.subarray(at + 7, at + 7 + size),
    })
    at += 8 + size
  }
  return frames
}

function written(write: (w: FrameWriter) => void): Buffer {
  const writer = new FrameWriter()
  write(writer)
  return Buffer.concat(writer.take())
}

describe('deliver', () => {
  const delivery = record({
    channel: nat(65_535), consumerTag: shortString, deliveryTag: maxSafeNat(), redelivered: boolean(),
    exchange: shortString, routingKey: shortString,
  })

  it('writes what the generated writer writes', () => {
    assert(property(delivery, ({ channel, consumerTag, deliveryTag, redelivered, exchange, routingKey }) => {
      const template = buildDeliverTemplate(channel, consumerTag, encodeEnvelope(exchange, routingKey))
      expect(written((w) => w.deliver(template, deliveryTag, redelivered)).toString('hex')).toBe(
        written((w) => writeBasicDeliver(
          w, channel, consumerTag, deliveryTag, redelivered, exchange, routingKey)).toString('hex'))
    }), { numRuns: 500 })
  })

  it('leaves the template as it was', () => {
    const template = buildDeliverTemplate(1, 't', encodeEnvelope('e', 'k'))
    const first = written((w) => w.deliver(template, 2 ** 40 + 1, true))
    const second = written((w) => w.deliver(template, 1, false))
    expect(second).not.toEqual(first)
    expect(second).toEqual(written((w) => writeBasicDeliver(w, 1, 't', 1, false, 'e', 'k')))
  })
})

describe('get-ok and return', () => {
  it('are what the generated writers write, with the envelope as it came', () => {
    assert(property(nat(65_535), maxSafeNat(), boolean(), shortString, shortString,
      (channel, tag, flag, name, key) => {
      const wire = encodeEnvelope(name, key)
      expect(written((w) => writeGetOk(w, channel, tag, flag, wire, 7)).toString('hex')).toBe(
        written((w) => writeBasicGetOk(w, channel, tag, flag, name, key, 7)).toString('hex'))
      expect(written((w) => writeReturn(w, channel, 312, 'NO_ROUTE', wire)).toString('hex')).toBe(
        written((w) => writeBasicReturn(w, channel, 312, 'NO_ROUTE', name, key)).toString('hex'))
    }))
  })
})

describe('content', () => {
  const FRAME_SIZE_MAX = 4096
  const PAYLOAD_MAX = FRAME_SIZE_MAX - 8
  const properties = Buffer.from('9000047465787402', 'hex')

  function content(bodyBytes: number, frameSizeMax = FRAME_SIZE_MAX): Frame[] {
    const body = Buffer.alloc(bodyBytes, 'leveret')
    const buf = Buffer.concat([Buffer.from('xx'), properties, Buffer.from('yyy'), body, Buffer.from('z')])
    const bodyStart = 2 + properties.length + 3
    const frames = framesOf(written((w) =>
      w.content(7, buf, 2, 2 + properties.length, bodyStart, bodyStart + bodyBytes, frameSizeMax)))
    expect(Buffer.concat(frames.slice(1).map(({ payload }) => payload)).equals(body)).toBe(true)
    return frames
  }

  it('starts with a header frame of class, weight, size and the properties as they came', () => {
    const [header] = content(3)
    expect(header!.type).toBe(FRAME_HEADER)
    expect(header!.channel).toBe(7)
    expect(header!.payload.toString('hex')).toBe(`003c00000000000000000003${properties.toString('hex')}`)
  })

  it.each([
    [0, []], [1, [1]], [PAYLOAD_MAX - 1, [PAYLOAD_MAX - 1]], [PAYLOAD_MAX, [PAYLOAD_MAX]],
    [PAYLOAD_MAX + 1, [PAYLOAD_MAX, 1]], [2 * PAYLOAD_MAX - 1, [PAYLOAD_MAX, PAYLOAD_MAX - 1]],
    [2 * PAYLOAD_MAX, [PAYLOAD_MAX, PAYLOAD_MAX]], [2 * PAYLOAD_MAX + 1, [PAYLOAD_MAX, PAYLOAD_MAX, 1]],
  ])('splits a body of %i bytes into body frames of %j', (bodyBytes, sizes) => {
    const bodies = content(bodyBytes).slice(1)
    expect(bodies.map(({ payload }) => payload.length)).toEqual(sizes)
    expect(bodies.every(({ type, channel }) => type === FRAME_BODY && channel === 7)).toBe(true)
  })

  it('gives the same bytes for bodies around the size from which they are not copied', () => {
    for (const bytes of [16_383, 16_384, 16_385, 131_064, 131_065, 1_000_000]) {
      expect(content(bytes, 131_072).length).toBe(1 + Math.ceil(bytes / 131_064))
    }
  })

  it('does not copy a large body', () => {
    const body = Buffer.alloc(100_000)
    const writer = new FrameWriter()
    writer.content(1, body, 0, 0, 0, body.length, 131_072)
    const lies = writer.take().find((piece) => piece.length === body.length)
    expect(lies?.buffer).toBe(body.buffer)
  })

  it('never splits a header frame, however large', () => {
    const large = Buffer.alloc(20_000, 1)
    const [header, ...bodies] = framesOf(written((w) => w.content(1, large, 0, 20_000, 0, 0, 4096)))
    expect(header!.payload.length).toBe(20_012)
    expect(bodies.length).toBe(0)
  })
})

describe('take', () => {
  it('gives each byte once', () => {
    const writer = new FrameWriter()
    writeBasicAck(writer, 1, 1, false)
    const first = Buffer.concat(writer.take())
    expect(writer.take()).toEqual([])
    writeBasicAck(writer, 1, 2, false)
    const second = Buffer.concat(writer.take())
    expect(framesOf(first).length).toBe(1)
    expect(framesOf(second).length).toBe(1)
    expect(second.equals(first)).toBe(false)
  })

  it('gives bytes that later frames do not touch', () => {
    const writer = new FrameWriter()
    const kept: { piece: Buffer; copy: Buffer }[] = []
    for (let n = 0; n < 2_000; n++) {
      writeQueueDeclareOk(writer, 1, `queue ${n} ${'x'.repeat(100)}`, n, 0)
      if (n % 3 === 0) for (const piece of writer.take()) kept.push({ piece, copy: Buffer.from(piece) })
    }
    expect(kept.every(({ piece, copy }) => piece.equals(copy))).toBe(true)
  })

  it('says beforehand how many bytes it will give', () => {
    const writer = new FrameWriter()
    expect(writer.pendingBytes).toBe(0)
    const body = Buffer.alloc(50_000)
    for (let n = 0; n < 5; n++) {
      writeBasicAck(writer, 1, n, false)
      writer.content(1, body, 0, 10, 10, body.length - n, 131_072)
      writer.heartbeat()
    }
    const pending = writer.pendingBytes
    expect(Buffer.concat(writer.take()).length).toBe(pending)
    expect(writer.pendingBytes).toBe(0)
  })
})

describe('a slab', () => {
  const write = record({
    kind: constantFrom('ack', 'declared', 'content', 'deliver', 'heartbeat', 'start', 'take'),
    size: integer({ min: 0, max: 40_000 }),
  })

  it('that is full in the middle of a frame loses no byte of it', () => {
    const source = Buffer.alloc(40_000, 'abc')
    assert(property(array(write, { maxLength: 40 }), (writes) => {
      const shared = new FrameWriter()
      const taken: Buffer[] = []
      const alone: Buffer[] = []
      for (const { kind, size } of writes) {
        if (kind === 'take') {
          taken.push(...shared.take())
          continue
        }
        const one = (w: FrameWriter): void => {
          const template = buildDeliverTemplate(1, 't'.repeat(size % 255), encodeEnvelope('', 'k'))
          if (kind === 'ack') writeBasicAck(w, 1, size, true)
          else if (kind === 'declared') writeQueueDeclareOk(w, 1, 'q'.repeat(size % 255), size, 1)
          else if (kind === 'deliver') w.deliver(template, size, false)
          else if (kind === 'heartbeat') w.heartbeat()
          else if (kind === 'content') w.content(1, source, 0, 2, 2, Math.max(2, size), 30_000)
          else writeConnectionStart(w, 0, 0, 9, tableOf({ a: 'b'.repeat(size) }), source, Buffer.alloc(0))
        }
        one(shared)
        alone.push(written(one))
      }
      taken.push(...shared.take())
      expect(Buffer.concat(taken).equals(Buffer.concat(alone))).toBe(true)
    }), { numRuns: 300 })
  })

  it.each([...Array.from({ length: 24 }, (_, n) => n)])('takes a frame that meets its end %i bytes before',
    (left) => {
    const writer = new FrameWriter()
    writer.raw(Buffer.alloc(SLAB_BYTES - left, 1))
    writeBasicAck(writer, 3, 5, true)
    const bytes = Buffer.concat(writer.take())
    expect(bytes.subarray(SLAB_BYTES - left)).toEqual(written((w) => writeBasicAck(w, 3, 5, true)))
  })
})

describe('short strings', () => {
  it('take 255 bytes', () => {
    const bytes = written((w) => writeQueueDeclareOk(w, 1, 'q'.repeat(255), 0, 0))
    expect(framesOf(bytes)[0]!.payload[4]).toBe(255)
  })

  it('are counted in bytes, not in characters', () => {
    const bytes = written((w) => writeQueueDeclareOk(w, 1, 'ü'.repeat(100), 0, 0))
    expect(framesOf(bytes)[0]!.payload[4]).toBe(200)
  })
})

it('writes a heartbeat as eight bytes', () => {
  expect(written((w) => w.heartbeat()).toString('hex')).toBe('08000000000000ce')
})

it('writes an empty table as a length of zero', () => {
  const bytes = written((w) => writeConnectionStart(w, 0, 0, 9, EMPTY_TABLE, Buffer.alloc(0),
    Buffer.alloc(0)))
  expect(bytes.toString('hex')).toBe('01000000000012000a000a0009000000000000000000000000ce')
})
