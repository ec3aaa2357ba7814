// The op log: what the broker decided, as bytes, in the order it decided it. BatchWriter appends on the main
// thread; readBatch (batch-reader.ts) walks a closed batch where it is committed. Invariant: put and drop
// make no object, closure or map entry, and a message put and dropped in one open batch leaves only a SKIP
// behind.
//
// Every record starts with the same 8 bytes; numbers are little-endian; f64 carries ids, exact up to 2^53:
//
//           0    1       2       4            8
//           | op | flags | scope | length u32 | …        flags of a PUT: 1, it is spilled
//   PUT     | queue f64 | id f64 | body id f64 | position of its BODY f64 | level f64 |
//             | key u32 | head u32 | body u32 | key head body
//   BODY    | body id f64 | position of the BODY before f64 | puts using it u32 | body u32 | body
//   DROP    | queue f64 | id f64 | body id f64 |
//   PURGE   | queue f64 | after id f64 | last id f64 | level f64 |
//   TOUCH   | queue f64 | id f64 | delivery count f64 |
//   DEFINE  | kind u32 | name u32 | doc i32, -1 to delete | kind name doc
//   SKIP    a PUT or BODY whose op byte was overwritten; its length still leads to the next record
//
// A position counts from the batch's first byte through all its arenas. A PUT with a body id carries no body
// bytes.

import { invariant } from '../base/invariant.ts'
import { type Arena, ArenaPool } from './arena.ts'
import { headBytesMax, writeHead } from './head.ts'
import type { Definition, StorableMessage } from './store.ts'

export const OP_SKIP = 0
export const OP_PUT = 1
export const OP_BODY = 2
export const OP_DROP = 3
export const OP_PURGE = 4
export const OP_TOUCH = 5
export const OP_DEFINE = 6

/** Flag of a PUT: the message need not outlive the process. */
export const SPILLED = 1

export const PUT_BYTES = 60
export const BODY_BYTES = 32
const DROP_BYTES = 32
const PURGE_BYTES = 40
const TOUCH_BYTES = 32
export const DEFINE_BYTES = 20

/** Larger commits only add latency (reliability §4.2). */
const BATCH_RECORDS = 500
const BATCH_BYTES = 512 * 1024

const NOWHERE = -1

/** A batch that nothing can be appended to any more; crosses to the committing thread as it is. */
export interface ClosedBatch {
  readonly number: number
  /** Records that are not SKIP: none means that there is nothing to commit. */
  readonly live: number
  /** Whether messages were spilled into it. */
  readonly hasSpilled: boolean
  readonly bytes: number
  readonly buffers: readonly ArrayBuffer[]
  /** How much of each buffer is used. */
  readonly lengths: readonly number[]
}

export class BatchWriter {
  /** Of the open batch. */
  number = 1
  private live = 0
  private hasSpilled = false
  private readonly pool = new ArenaPool()
  private arenas: Arena[] = []
  private arena: Arena
  private lastBody = NOWHERE
  private highestBodyId = 0

  constructor() {
    this.arena = this.pool.take(0, 0)
    this.arenas.push(this.arena)
  }

  get bytes(): number {
    return this.arena.start + this.arena.used
  }

  get isEmpty(): boolean {
    return this.bytes === 0
  }

  /** As large as a commit should be, so many times over. */
  isLarge(times: number): boolean {
    return this.live >= BATCH_RECORDS * times || this.bytes >= BATCH_BYTES * times
  }

  put(
    scope: number, queue: number, id: number, message: StorableMessage, expiresAtMs = Infinity, level = 0,
  ): number {
    return this.appendPut(scope, queue, id, message, expiresAtMs, message.bodyId, level)
  }

  /** It has its body for itself, though others may share it: theirs may have to live longer. */
  spill(
    scope: number, queue: number, id: number, message: StorableMessage, expiresAtMs: number, level = 0,
  ): number {
    const position = this.appendPut(scope, queue, id, message, expiresAtMs, 0, level)
    const { view, start } = this.arenaAt(position)
    view.setUint8(position - start + 1, SPILLED)
    this.hasSpilled = true
    return position
  }

  private appendPut(
    scope: number, queue: number, id: number, message: StorableMessage, expiresAtMs: number, bodyId: number,
    level: number,
  ): number {
    const bodyPosition = bodyId === 0 ? NOWHERE : this.shareBody(scope, message)
    const bodyLength = message.bodyEnd - message.bodyStart
    const at = this.reserve(
      PUT_BYTES + 3 * message.routingKey.length + headBytesMax(message) + (bodyId === 0 ? bodyLength : 0),
    )
    const { bytes, view } = this.arena
    const keyLength = bytes.write(message.routingKey, at + PUT_BYTES, 'utf8')
    const headStart = at + PUT_BYTES + keyLength
    const headEnd = writeHead(bytes, view, headStart, message, expiresAtMs)
    view.setFloat64(at + 8, queue, true)
    view.setFloat64(at + 16, id, true)
    view.setFloat64(at + 24, bodyId, true)
    view.setFloat64(at + 32, bodyPosition, true)
    view.setFloat64(at + 40, level, true)
    view.setUint32(at + 48, keyLength, true)
    view.setUint32(at + 52, headEnd - headStart, true)
    view.setUint32(at + 56, bodyLength, true)
    const end = bodyId === 0
      ? headEnd + message.buf.copy(bytes, headEnd, message.bodyStart, message.bodyEnd)
      : headEnd
    return this.append(OP_PUT, scope, at, end - at)
  }

  drop(scope: number, queue: number, id: number, bodyId: number, batch: number, position: number): void {
    if (batch === this.number) {
      this.cancel(position)
      return
    }
    const at = this.reserve(DROP_BYTES)
    const view = this.arena.view
    view.setFloat64(at + 8, queue, true)
    view.setFloat64(at + 16, id, true)
    view.setFloat64(at + 24, bodyId, true)
    this.append(OP_DROP, scope, at, DROP_BYTES)
  }

  purge(scope: number, queue: number, afterId: number, lastId: number, level = 0): void {
    const at = this.reserve(PURGE_BYTES)
    const { view } = this.arena
    view.setFloat64(at + 8, queue, true)
    view.setFloat64(at + 16, afterId, true)
    view.setFloat64(at + 24, lastId, true)
    view.setFloat64(at + 32, level, true)
    this.append(OP_PURGE, scope, at, PURGE_BYTES)
  }

  touch(scope: number, queue: number, id: number, deliveryCount: number): void {
    const at = this.reserve(TOUCH_BYTES)
    const view = this.arena.view
    view.setFloat64(at + 8, queue, true)
    view.setFloat64(at + 16, id, true)
    view.setFloat64(at + 24, deliveryCount, true)
    this.append(OP_TOUCH, scope, at, TOUCH_BYTES)
  }

  define(scope: number, definition: Definition): void {
    const { kind, name, doc } = definition
    const at = this.reserve(DEFINE_BYTES + 3 * (kind.length + name.length + (doc === null ? 0 : doc.length)))
    const { bytes, view } = this.arena
    const kindLength = bytes.write(kind, at + DEFINE_BYTES, 'utf8')
    const nameLength = bytes.write(name, at + DEFINE_BYTES + kindLength, 'utf8')
    const docStart = at + DEFINE_BYTES + kindLength + nameLength
    const docLength = doc === null ? -1 : bytes.write(doc, docStart, 'utf8')
    view.setUint32(at + 8, kindLength, true)
    view.setUint32(at + 12, nameLength, true)
    view.setInt32(at + 16, docLength, true)
    this.append(OP_DEFINE, scope, at, docStart + Math.max(docLength, 0) - at)
  }

  /** Closes the open batch and opens the next one. */
  close(): ClosedBatch {
    const closed = {
      number: this.number,
      live: this.live,
      hasSpilled: this.hasSpilled,
      bytes: this.bytes,
      buffers: this.arenas.map((arena) => arena.buffer),
      lengths: this.arenas.map((arena) => arena.used),
    }
    this.number++
    this.live = 0
    this.hasSpilled = false
    this.lastBody = NOWHERE
    this.highestBodyId = 0
    this.arena = this.pool.take(0, 0)
    this.arenas = [this.arena]
    return closed
  }

  /** Takes back the buffers of a batch that has been committed. */
  recycle(buffers: readonly ArrayBuffer[]): void {
    this.pool.giveBack(buffers)
  }

  /** Returns where in the current arena a record of at most so many bytes goes. */
  private reserve(bytesMax: number): number {
    const arena = this.arena
    if (arena.used + bytesMax <= arena.buffer.byteLength) return arena.used
    this.arena = this.pool.take(bytesMax, arena.start + arena.used)
    this.arenas.push(this.arena)
    return 0
  }

  private append(op: number, scope: number, at: number, length: number): number {
    const arena = this.arena
    arena.view.setUint8(at, op)
    arena.view.setUint8(at + 1, 0)
    arena.view.setUint16(at + 2, scope, true)
    arena.view.setUint32(at + 4, length, true)
    arena.used = at + length
    this.live++
    return arena.start + at
  }

  private shareBody(scope: number, message: StorableMessage): number {
    const position = this.findBody(message.bodyId)
    if (position === NOWHERE) return this.appendBody(scope, message)
    const { view, start } = this.arenaAt(position)
    const at = position - start
    const users = view.getUint32(at + 24, true)
    // Every put that used it has been cancelled in the meantime: the record is written after all.
    if (users === 0) {
      view.setUint8(at, OP_BODY)
      this.live++
    }
    view.setUint32(at + 24, users + 1, true)
    return position
  }

  private appendBody(scope: number, message: StorableMessage): number {
    const bodyLength = message.bodyEnd - message.bodyStart
    const at = this.reserve(BODY_BYTES + bodyLength)
    const { bytes, view } = this.arena
    view.setFloat64(at + 8, message.bodyId, true)
    view.setFloat64(at + 16, this.lastBody, true)
    view.setUint32(at + 24, 1, true)
    view.setUint32(at + 28, bodyLength, true)
    message.buf.copy(bytes, at + BODY_BYTES, message.bodyStart, message.bodyEnd)
    this.lastBody = this.append(OP_BODY, scope, at, BODY_BYTES + bodyLength)
    this.highestBodyId = Math.max(this.highestBodyId, message.bodyId)
    return this.lastBody
  }

  /**
   * Body ids rise and the puts of one publish follow each other, so both answers are found at once in
   * practice.
   */
  private findBody(bodyId: number): number {
    if (bodyId > this.highestBodyId) return NOWHERE
    let position = this.lastBody
    while (position !== NOWHERE) {
      const { view, start } = this.arenaAt(position)
      if (view.getFloat64(position - start + 8, true) === bodyId) return position
      position = view.getFloat64(position - start + 16, true)
    }
    return NOWHERE
  }

  private cancel(position: number): void {
    const { view, start } = this.arenaAt(position)
    const at = position - start
    const isPut = view.getUint8(at) === OP_PUT
    invariant(isPut, `batch ${this.number} has no put at ${position} that could be dropped`)
    view.setUint8(at, OP_SKIP)
    this.live--
    const bodyPosition = view.getFloat64(at + 32, true)
    if (bodyPosition !== NOWHERE) this.leaveBody(bodyPosition)
  }

  private leaveBody(position: number): void {
    const { view, start } = this.arenaAt(position)
    const at = position - start
    const users = view.getUint32(at + 24, true) - 1
    view.setUint32(at + 24, users, true)
    if (users > 0) return
    view.setUint8(at, OP_SKIP)
    this.live--
  }

  /** From the end: what is dropped was mostly put a moment ago. */
  private arenaAt(position: number): Arena {
    let index = this.arenas.length - 1
    while (index > 0 && this.arenas[index]!.start > position) index--
    return this.arenas[index]!
  }
}
