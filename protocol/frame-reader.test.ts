// The frame reader: whatever the network does to a stream, the same frames come out; and what is no frame is
// refused in RabbitMQ's words (behaviours §1.11).
import { array, assert, boolean, constantFrom, nat, property, record, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AmqpError } from './errors.ts'
import { FrameReader } from './frame-reader.ts'
import type { FrameSink } from './frame-reader.ts'
import { FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD } from './spec.ts'

const FRAME_SIZE_MAX = 4096

function frame(type: number, channel: number, payload: Uint8Array, end = FRAME_END): Buffer {
  const head = Buffer.alloc(7)
  head[0] = type
  head.writeUInt16BE(channel, 1)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([end])])
}

/** Writes down what it gets; `onEach` may hold the reader. */
class Recorder implements FrameSink {
  readonly frames: string[] = []
  onEach: () => void = () => {}
  /** Where body frames in pieces go; null: nowhere. */
  place: Buffer | null = null

  placeForBody(_channel: number, size: number): Buffer | null {
    return this.place?.subarray(0, size) ?? null
  }

  onFrame(type: number, channel: number, buf: Buffer, start: number, end: number): void {
    this.frames.push(`${type} ${channel} ${buf.toString('hex', start, end)}`)
    this.onEach()
  }
}

function newReader(): { recorder: Recorder; reader: FrameReader } {
  const recorder = new Recorder()
  return { recorder, reader: new FrameReader(recorder, FRAME_SIZE_MAX) }
}

function readAll(chunks: readonly Buffer[]): string[] {
  const { recorder, reader } = newReader()
  for (const chunk of chunks) reader.push(chunk)
  return recorder.frames
}

/** Cuts at every offset named, in whatever order. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at.map((n) => n % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return edges.slice(1).map((edge, n) => bytes.subarray(edges[n], edge))
}

function refusal(bytes: Buffer, frameSizeMax = FRAME_SIZE_MAX): string {
  const reader = new FrameReader(new Recorder(), frameSizeMax)
  try {
    reader.push(bytes)
  } catch (error) {
    if (error instanceof AmqpError) return `${error.code} ${error.replyText}`
    throw error
  }
  return 'accepted'
}

const anyFrame = record({
  type: constantFrom(FRAME_METHOD, FRAME_HEADER, FRAME_BODY), channel: nat(65_535),
  payload: uint8Array({ minLength: 12, maxLength: 60 }),
})

const RECORDED: readonly (readonly [number, number, Buffer])[] = [
  [FRAME_METHOD, 1, Buffer.from('003c00280000000161000000', 'hex')],
  [FRAME_HEADER, 1, Buffer.from('003c0000000000000000000310000200', 'hex')],
  [FRAME_BODY, 1, Buffer.from([FRAME_END, 0, FRAME_END])],
  [FRAME_BODY, 65_535, Buffer.alloc(0)],
  [FRAME_HEARTBEAT, 0, Buffer.alloc(0)],
  [FRAME_METHOD, 0, Buffer.from('000a0033', 'hex')],
]
const recordedBytes = Buffer.concat(RECORDED.map(([type, channel, payload]) => frame(type, channel, payload)))
const recordedFrames = RECORDED
  .map(([type, channel, payload]) => `${type} ${channel} ${payload.toString('hex')}`)

describe('a stream of frames', () => {
  it('gives the same frames however it is split', () => {
    assert(property(array(anyFrame, { maxLength: 20 }), array(nat(), { maxLength: 40 }), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(({ type, channel, payload }) => frame(type, channel, payload)))
      expect(readAll(cut(bytes, cuts))).toEqual(
        frames.map(({ type, channel, payload }) =>
          `${type} ${channel} ${Buffer.from(payload).toString('hex')}`))
    }), { numRuns: 500 })
  })

  it('gives the same frames split at any one place', () => {
    for (let at = 0; at <= recordedBytes.length; at++) {
      expect([at, readAll([recordedBytes.subarray(0, at), recordedBytes.subarray(at)])])
        .toEqual([at, recordedFrames])
    }
  })

  it('gives the same frames byte by byte', () => {
    expect(readAll([...recordedBytes].map((byte) => Buffer.from([byte])))).toEqual(recordedFrames)
  })

  it('hands a frame on as soon as its last byte is there', () => {
    const { recorder, reader } = newReader()
    reader.push(recordedBytes.subarray(0, 19))
    expect(recorder.frames.length).toBe(0)
    reader.push(recordedBytes.subarray(19, 20))
    expect(recorder.frames).toEqual(recordedFrames.slice(0, 1))
  })

  it('hands on bytes where they lie when one chunk has the whole frame', () => {
    const seen: Buffer[] = []
    const reader = new FrameReader({
      onFrame: (_type, _channel, buf) => seen.push(buf), placeForBody: () => null,
    }, FRAME_SIZE_MAX)
    reader.push(recordedBytes)
    expect(seen.every((buf) => buf === recordedBytes)).toBe(true)
    expect(seen.length).toBe(recordedFrames.length)
  })
})

describe('hold', () => {
  it('stops after the frame that is being handed on, and release goes on', () => {
    const { recorder, reader } = newReader()
    recorder.onEach = () => reader.hold()
    reader.push(recordedBytes)
    for (let n = 1; n < recordedFrames.length; n++) {
      expect(recorder.frames).toEqual(recordedFrames.slice(0, n))
      expect(reader.isHeld).toBe(true)
      reader.release()
    }
    expect(recorder.frames).toEqual(recordedFrames)
  })

  it('loses nothing of what arrives while it holds', () => {
    const { recorder, reader } = newReader()
    reader.hold()
    for (const chunk of cut(recordedBytes, [3, 9, 30, 31, 50])) reader.push(chunk)
    expect(recorder.frames).toEqual([])
    reader.release()
    expect(recorder.frames).toEqual(recordedFrames)
  })

  it('that is released within the frame goes on with the same chunk', () => {
    const { recorder, reader } = newReader()
    recorder.onEach = () => {
      reader.hold()
      reader.release()
    }
    reader.push(recordedBytes)
    expect(recorder.frames).toEqual(recordedFrames)
  })

  it('loses nothing whenever it is called', () => {
    const steps = array(record({ cutAt: nat(), holdFrames: boolean(), release: boolean() }),
      { maxLength: 20 })
    assert(property(array(anyFrame, { maxLength: 12 }), steps, (frames, steps) => {
      const { recorder, reader } = newReader()
      const bytes = Buffer.concat(frames.map(({ type, channel, payload }) => frame(type, channel, payload)))
      cut(bytes, steps.map(({ cutAt }) => cutAt)).forEach((chunk, n) => {
        const step = steps[n]
        recorder.onEach = () => {
          if (step?.holdFrames === true) reader.hold()
        }
        const before = recorder.frames.length
        reader.push(chunk)
        if (step?.holdFrames === true) expect(recorder.frames.length - before).toBeLessThanOrEqual(1)
        if (step?.release === true) reader.release()
      })
      recorder.onEach = () => {}
      reader.release()
      expect(recorder.frames.length).toBe(frames.length)
    }), { numRuns: 300 })
  })

  it('keeps a chunk that arrives while a frame is handed on, behind what was there', () => {
    const { recorder, reader } = newReader()
    recorder.onEach = () => {
      recorder.onEach = () => {}
      reader.push(recordedBytes.subarray(25))
    }
    reader.push(recordedBytes.subarray(0, 25))
    expect(recorder.frames).toEqual(recordedFrames)
  })

  it('hands on nothing after discard', () => {
    const { recorder, reader } = newReader()
    recorder.onEach = () => reader.discard()
    reader.push(recordedBytes)
    reader.push(recordedBytes)
    expect(recorder.frames).toEqual(recordedFrames.slice(0, 1))
  })
})

describe('frame_max', () => {
  it('takes a payload of up to frame_max, 8 bytes more than the specification has', () => {
    for (let over = -8; over <= 0; over++) {
      const bytes = frame(FRAME_BODY, 1, Buffer.alloc(FRAME_SIZE_MAX + over))
      expect(readAll([bytes]).length).toBe(1)
    }
  })

  it('refuses a payload beyond it, with the size and the limit', () => {
    for (let over = 1; over <= 8; over++) {
      expect(refusal(frame(FRAME_BODY, 1, Buffer.alloc(FRAME_SIZE_MAX + over)))).toBe(
        `501 FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,${FRAME_SIZE_MAX + over},4088}`)
    }
    expect(refusal(frame(FRAME_BODY, 1, Buffer.alloc(131_073)), 131_072)).toBe(
      '501 FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,131073,131064}')
  })

  it('refuses by the seven bytes before the payload, without waiting for it', () => {
    expect(refusal(Buffer.from('030001ffffffff', 'hex'))).toContain('{frame_too_large,4294967295,4088}')
  })

  it('counts from the frame after the one that changed it', () => {
    const { recorder, reader } = newReader()
    recorder.onEach = () => { reader.frameSizeMax = 8192 }
    reader.push(Buffer.concat([recordedBytes.subarray(0, 20), frame(FRAME_BODY, 1, Buffer.alloc(8192))]))
    expect(recorder.frames.length).toBe(2)
  })
})

describe('bytes that are no frame', () => {
  it.each([
    ['an unknown type', frame(4, 1, Buffer.from('abc')), 'type 4, all octets = <<"abc">>: unknown_frame'],
    ['an unknown type with a long payload', frame(99, 1, Buffer.from('abcdefghijklmnopq')),
      'type 99, first 16 octets = <<"abcdefghijklmnop">>: unknown_frame'],
    ['an unknown type with 16 bytes', frame(99, 1, Buffer.from('abcdefghijklmnop')),
      'type 99, all octets = <<"abcdefghijklmnop">>: unknown_frame'],
    ['a method of three bytes', frame(1, 1, Buffer.from([0, 60, 0])),
      'type 1, all octets = <<0,60,0>>: unknown_frame'],
    ['an empty method', frame(1, 1, Buffer.alloc(0)), 'type 1, all octets = <<>>: unknown_frame'],
    ['a heartbeat with a payload', frame(8, 0, Buffer.from([1])),
      'type 8, all octets = <<1>>: unknown_frame'],
    ['a wrong end', frame(1, 1, Buffer.from([0, 60, 0, 10]), 205),
      'type 1, all octets = <<0,60,0,10>>: {invalid_frame_end_marker,205}'],
    ['a wrong end after a long payload', frame(3, 1, Buffer.alloc(17, 1), 0),
      `type 3, first 16 octets = <<${Array(16).fill(1).join(',')}>>: {invalid_frame_end_marker,0}`],
  ])('%s is refused', (_name, bytes, text) => {
    expect(refusal(bytes)).toBe(`501 FRAME_ERROR - ${text}`)
    expect(refusal(Buffer.concat([recordedBytes, bytes]))).toBe(`501 FRAME_ERROR - ${text}`)
  })

  it('takes the shortest method and header, and an empty body', () => {
    for (const bytes of [frame(1, 1, Buffer.alloc(4)), frame(2, 1, Buffer.alloc(12)),
      frame(3, 1, Buffer.alloc(0))]) {
      expect(refusal(bytes)).toBe('accepted')
    }
  })
})

describe('a body frame in pieces', () => {
  it('is read to where the sink wants it, wherever it is cut', () => {
    const payload = Buffer.from('a body of 24 bytes, good')
    const bytes = Buffer.concat([frame(FRAME_BODY, 3, payload), frame(FRAME_BODY, 4, Buffer.from('next'))])
    for (let cut = 1; cut < bytes.length; cut++) {
      const { recorder, reader } = newReader()
      recorder.place = Buffer.alloc(24)
      reader.push(bytes.subarray(0, cut))
      reader.push(bytes.subarray(cut))
      expect(recorder.frames).toEqual([
        `3 3 ${payload.toString('hex')}`, `3 4 ${Buffer.from('next').toString('hex')}`])
    }
  })

  it('is refused for another end, as one in one piece is', () => {
    const bytes = frame(FRAME_BODY, 3, Buffer.from('body'), 0xcf)
    const { recorder, reader } = newReader()
    recorder.place = Buffer.alloc(4)
    reader.push(bytes.subarray(0, 9))
    expect(() => reader.push(bytes.subarray(9))).toThrow('invalid_frame_end_marker,207')
  })
})
