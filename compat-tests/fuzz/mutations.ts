// Mutations of a stream of frames that know what a frame is: rows of one table. Called by the protocol
// fuzzer. Invariant: they work on a copy of the list, and never write into a frame, so that a stream can be
// mutated many times.

import { encodeItem } from './nesting.ts'
import type { Dice } from './dice.ts'

export interface StreamFrame {
  readonly type: number
  readonly channel: number
  readonly payload: Buffer
  /** Written instead of the right one. */
  readonly size?: number
  readonly end?: number
  /** Bytes that are no frame, after this one. */
  readonly after?: Buffer
}

type Mutate = (frames: StreamFrame[], at: number, dice: Dice) => void

const methodIds = [0, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 70, 80, 90, 100, 110, 120]
const boundaries = [0, 1, 2, 0x7f, 0x80, 0xce, 0xff]
const changed = (frame: StreamFrame, payload: Buffer): StreamFrame => ({ ...frame, payload })

function withByte(payload: Buffer, dice: Dice, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(payload)
  if (copy.length === 0) return copy
  const at = dice.below(copy.length)
  copy[at] = change(copy[at]!)
  return copy
}

const randomBytes = (dice: Dice, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => dice.below(256)))

export const mutations: Readonly<Record<string, Mutate>> = {
  'flip a bit': (frames, at, dice) => {
    const flip = (byte: number): number => byte ^ (1 << dice.below(8))
    frames[at] = changed(frames[at]!, withByte(frames[at]!.payload, dice, flip))
  },
  'set a byte': (frames, at, dice) => {
    frames[at] = changed(frames[at]!, withByte(frames[at]!.payload, dice, () => dice.pick(boundaries)))
  },
  'cut the payload': (frames, at, dice) => {
    const { payload } = frames[at]!
    frames[at] = changed(frames[at]!, payload.subarray(0, dice.below(payload.length + 1)))
  },
  'lengthen the payload': (frames, at, dice) => {
    const more = randomBytes(dice, 1 + dice.below(20))
    frames[at] = changed(frames[at]!, Buffer.concat([frames[at]!.payload, more]))
  },
  'another type': (frames, at, dice) => {
    frames[at] = { ...frames[at]!, type: dice.pick([0, 1, 2, 3, 4, 8, 206, 255]) }
  },
  'another channel': (frames, at, dice) => {
    frames[at] = { ...frames[at]!, channel: dice.pick([0, 1, 2, 10, 2047, 2048, 65_535]) }
  },
  'another method': (frames, at, dice) => {
    const payload = Buffer.from(frames[at]!.payload)
    if (payload.length < 4) return
    payload.writeUInt16BE(dice.pick([10, 20, 30, 40, 50, 60, 85, 90, 0, 61]), 0)
    payload.writeUInt16BE(dice.pick(methodIds), 2)
    frames[at] = changed(frames[at]!, payload)
  },
  'a wrong end': (frames, at, dice) => {
    frames[at] = { ...frames[at]!, end: dice.pick([0, 0xcd, 0xff]) }
  },
  'a wrong size': (frames, at, dice) => {
    const { length } = frames[at]!.payload
    const size = dice.pick([0, Math.max(0, length - 1), length + 1, 131_065, 0xffff_ffff])
    frames[at] = { ...frames[at]!, size }
  },
  'drop a frame': (frames, at) => {
    frames.splice(at, 1)
  },
  'repeat a frame': (frames, at) => {
    frames.splice(at, 0, frames[at]!)
  },
  'swap two frames': (frames, at, dice) => {
    const other = dice.below(frames.length)
    const [a, b] = [frames[at]!, frames[other]!]
    frames[at] = b
    frames[other] = a
  },
  'random bytes': (frames, at, dice) => {
    frames[at] = { ...frames[at]!, after: randomBytes(dice, 1 + dice.below(40)) }
  },
  'a random frame': (frames, at, dice) => {
    const payload = randomBytes(dice, dice.below(40))
    frames.splice(at, 0, { type: 1 + dice.below(3), channel: dice.below(3), payload })
  },
  'deep nesting': (frames, at, dice) => {
    frames.splice(at, 0, { type: 1, channel: frames[at]!.channel, payload: deepDeclare(dice) })
  },
}

/** queue.declare with tables in tables, or arrays in arrays, up to the largest frame. */
function deepDeclare(dice: Dice): Buffer {
  const fixed = Buffer.from([0, 50, 0, 10, 0, 0, 1, 0x71, 0])
  return Buffer.concat([fixed, encodeItem(dice.pick(['F', 'A']), dice.pick([3, 30, 300, 3_000, 15_000]))])
}

export function encodeStream(frames: readonly StreamFrame[]): Buffer {
  return Buffer.concat(frames.flatMap(({ type, channel, payload, size, end, after }) => {
    const head = Buffer.alloc(7)
    head.writeUInt8(type, 0)
    head.writeUInt16BE(channel, 1)
    head.writeUInt32BE(size ?? payload.length, 3)
    return [head, payload, Buffer.from([end ?? 0xce]), ...after === undefined ? [] : [after]]
  }))
}

/** One mutated copy, and what was done to it. */
export function mutate(
  frames: readonly StreamFrame[], dice: Dice, times: number,
): { frames: StreamFrame[], names: string[] } {
  const copy = [...frames]
  const names = Array.from({ length: times }, () => dice.pick(Object.keys(mutations)))
  for (const name of names) if (copy.length > 0) mutations[name]!(copy, dice.below(copy.length), dice)
  return { frames: copy, names }
}
