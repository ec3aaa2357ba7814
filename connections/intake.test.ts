// What a connection takes in, seen at its socket: paused while there is too much to read, and flowing again
// whatever is left.
import { beforeEach, expect, it } from 'vitest'
import { TestClock } from '../base/clock.ts'
import { Turn } from '../base/turn.ts'
import { FRAME_BODY, FRAME_OVERHEAD } from '../protocol/spec.ts'
import { encodeFrame } from '../test/amqp/client-codec.ts'
import { HOLD_DURABLE, HOLD_STORE, Intake } from './intake.ts'
import type { Transport } from './transport.ts'

const KIB = 1024
const FRAME_SIZE_MAX = 128 * KIB

let isPaused = false
let frames = 0
let intake: Intake

beforeEach(() => {
  isPaused = false
  frames = 0
  const owner = {
    onFrame: () => { frames++ },
    placeForBody: () => null,
    readFailed: (error: unknown) => { throw error },
  }
  const socket: Pick<Transport, 'pause' | 'resume'> = {
    pause() { isPaused = true },
    resume() { isPaused = false },
  }
  intake = new Intake(owner, socket as Transport, new Turn(new TestClock(), () => {}), FRAME_SIZE_MAX)
})

const body = (size: number): Buffer => encodeFrame(FRAME_BODY, 1, Buffer.alloc(size))

it.each([
  ['of 64 KiB', 64 * KIB, 64 * KIB + FRAME_OVERHEAD - 1],
  ['as large as frames may be', FRAME_SIZE_MAX, 100 * KIB],
])('flows again when all but a part of a frame %s is read', (_, size, part) => {
  intake.hold(HOLD_STORE)
  for (let n = 0; n < 5; n++) intake.push(body(64 * KIB))
  intake.push(body(size).subarray(0, part))
  expect([isPaused, frames]).toEqual([true, 0])
  intake.release(HOLD_STORE)
  expect([isPaused, frames]).toEqual([false, 5])
  intake.push(body(size).subarray(part))
  expect(frames).toBe(6)
})

it('flows while a frame comes in that is larger than what may wait to be read', () => {
  intake.frameSizeMax = 1024 * KIB
  const frame = body(1024 * KIB)
  for (let at = 0; at < frame.length; at += 64 * KIB) {
    intake.push(frame.subarray(at, at + 64 * KIB))
    expect(isPaused).toBe(false)
  }
  expect(frames).toBe(1)
})

it('is paused when too much has come while it waits for something', () => {
  intake.hold(HOLD_STORE)
  intake.release(HOLD_STORE)
  expect(isPaused).toBe(false)
  intake.ingested(64 * 1024 * KIB) // its share of the turn, many times
  for (let n = 0; n < 4; n++) intake.push(body(64 * KIB - FRAME_OVERHEAD))
  expect([isPaused, frames]).toEqual([false, 0])
  intake.push(body(0))
  expect([isPaused, frames]).toEqual([true, 0])
  intake.resume()
  expect([isPaused, frames]).toEqual([false, 5])
})

it('stays paused until the last reason to wait is gone', () => {
  intake.hold(HOLD_STORE)
  intake.hold(HOLD_DURABLE)
  intake.release(HOLD_STORE)
  expect(isPaused).toBe(true)
  intake.release(HOLD_DURABLE)
  expect(isPaused).toBe(false)
})
