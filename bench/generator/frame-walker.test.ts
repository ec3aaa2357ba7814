// The counting parser against its plain twin: the frames that the stream was made of, whatever the sizes of
// the chunks it came in. The seed of a failure is printed by fast-check.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame } from '../../compat-tests/harness/wire.ts'
import { FrameWalker } from './frame-walker.ts'
import type { FrameSink } from './frame-walker.ts'

const SHOWN_BYTES = 300

class Recorder implements FrameSink {
  readonly seen: string[] = []
  chunks = 0

  method(bytes: Buffer, at: number): void {
    this.seen.push(`1 ${shown(bytes, at)}`)
  }

  header(bytes: Buffer, at: number): void {
    this.seen.push(`2 ${shown(bytes, at)}`)
  }

  body(bytes: Buffer, at: number): void {
    this.seen.push(`3 ${shown(bytes, at)}`)
  }

  endOfChunk(): void {
    this.chunks++
  }
}

function shown(bytes: Buffer, at: number): string {
  const size = bytes.readUInt32BE(at - 4)
  return bytes.subarray(at, at + Math.min(size, SHOWN_BYTES)).toString('hex')
}

const frames = fc.array(fc.record({
  type: fc.constantFrom(1, 2, 3, 8),
  payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 250, maxLength: 900 })),
}), { maxLength: 20 })
const cut = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 700 }))
const cuts = fc.array(cut, { minLength: 1 })

test('shows each frame once, however the stream is cut into chunks', () => {
  fc.assert(fc.property(frames, cuts, (frames, cuts) => {
    const encoded = frames.map(({ type, payload }) => encodeFrame(type, 1, Buffer.from(payload)))
    const stream = Buffer.concat(encoded)
    const recorder = new Recorder()
    const walker = new FrameWalker(recorder)
    let at = 0
    let chunks = 0
    while (at < stream.length) {
      const chunk = Buffer.from(stream.subarray(at, at + cuts[chunks++ % cuts.length]!))
      walker.walk(chunk, chunk.length)
      at += chunk.length
      chunk.fill(0xff)
    }
    const expected = frames.filter(({ type }) => type !== 8)
      .map(({ type, payload }) => `${type} ${Buffer.from(payload).subarray(0, SHOWN_BYTES).toString('hex')}`)
    expect(recorder.seen).toEqual(expected)
    expect(recorder.chunks).toBe(chunks)
  }))
})

test('an unknown frame type is an error', () => {
  const walker = new FrameWalker(new Recorder())
  const frame = encodeFrame(4, 1, Buffer.from('x'))
  expect(() => walker.walk(frame, frame.length)).toThrow('frame type 4')
})
