// Walks a closed batch of the op log (layout: batch.ts) and calls a visitor record by record, in the order of
// their appending. Called where a batch is committed: SqliteWriter in the store thread, MemoryTables in
// process. Buffers given to the visitor are views of the batch's memory and valid only during the call.

import { invariant } from '../base/invariant.ts'
import {
  BODY_BYTES, DEFINE_BYTES, OP_BODY, OP_DEFINE, OP_DROP, OP_PURGE, OP_PUT, OP_SKIP, OP_TOUCH, PUT_BYTES,
  SPILLED, type ClosedBatch,
} from './batch.ts'

export interface BatchVisitor {
  /** Comes before the puts that share it. */
  body(bodyId: number, body: Buffer): void
  /** `body` is the message's, also when it is shared. */
  put(
    scope: number, queue: number, id: number, bodyId: number, level: number, routingKey: string, head: Buffer,
    body: Buffer,
  ): void
  /** A put that need not outlive the process; its body is its own. */
  spill(
    scope: number, queue: number, id: number, level: number, routingKey: string, head: Buffer, body: Buffer,
  ): void
  drop(queue: number, id: number, bodyId: number): void
  purge(queue: number, afterId: number, lastId: number, level: number): void
  touch(queue: number, id: number, deliveryCount: number): void
  define(scope: number, kind: string, name: string, doc: string | null): void
}

export function readBatch(batch: ClosedBatch, visitor: BatchVisitor): void {
  const buffers = batch.buffers.map((buffer, index) => Buffer.from(buffer, 0, batch.lengths[index]))
  for (const bytes of buffers) {
    let at = 0
    while (at < bytes.length) {
      readRecord(buffers, bytes, at, visitor)
      at += bytes.readUInt32LE(at + 4)
    }
  }
}

function readRecord(buffers: readonly Buffer[], bytes: Buffer, at: number, visitor: BatchVisitor): void {
  const op = bytes[at]
  switch (op) {
    case OP_SKIP:
      return
    case OP_PUT:
      return readPut(buffers, bytes, at, visitor)
    case OP_BODY:
      return visitor.body(number(bytes, at, 0), bodyAt(bytes, at))
    case OP_DROP:
      return visitor.drop(number(bytes, at, 0), number(bytes, at, 1), number(bytes, at, 2))
    case OP_PURGE:
      return visitor.purge(
        number(bytes, at, 0), number(bytes, at, 1), number(bytes, at, 2), number(bytes, at, 3))
    case OP_TOUCH:
      return visitor.touch(number(bytes, at, 0), number(bytes, at, 1), number(bytes, at, 2))
    case OP_DEFINE:
      return readDefine(bytes, at, visitor)
    default:
      invariant(false, `the op log has an unknown op ${op} at ${at}`)
  }
}

/** The f64 fields of a record follow its first 8 bytes. */
function number(bytes: Buffer, at: number, index: number): number {
  return bytes.readDoubleLE(at + 8 + 8 * index)
}

function readPut(buffers: readonly Buffer[], bytes: Buffer, at: number, visitor: BatchVisitor): void {
  const bodyId = number(bytes, at, 2)
  const head = at + PUT_BYTES + bytes.readUInt32LE(at + 48)
  const body = head + bytes.readUInt32LE(at + 52)
  if (bytes[at + 1] === SPILLED) return readSpilled(bytes, at, head, body, visitor)
  visitor.put(
    bytes.readUInt16LE(at + 2),
    number(bytes, at, 0),
    number(bytes, at, 1),
    bodyId,
    number(bytes, at, 4),
    bytes.toString('utf8', at + PUT_BYTES, head),
    bytes.subarray(head, body),
    bodyId === 0
      ? bytes.subarray(body, body + bytes.readUInt32LE(at + 56))
      : sharedBody(buffers, number(bytes, at, 3)),
  )
}

function readSpilled(bytes: Buffer, at: number, head: number, body: number, visitor: BatchVisitor): void {
  visitor.spill(
    bytes.readUInt16LE(at + 2),
    number(bytes, at, 0),
    number(bytes, at, 1),
    number(bytes, at, 4),
    bytes.toString('utf8', at + PUT_BYTES, head),
    bytes.subarray(head, body),
    bytes.subarray(body, body + bytes.readUInt32LE(at + 56)),
  )
}

function sharedBody(buffers: readonly Buffer[], position: number): Buffer {
  let start = 0
  for (const bytes of buffers) {
    if (position < start + bytes.length) return bodyAt(bytes, position - start)
    start += bytes.length
  }
  invariant(false, `the op log has no shared body at ${position}`)
}

function bodyAt(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(at + BODY_BYTES, at + BODY_BYTES + bytes.readUInt32LE(at + 28))
}

function readDefine(bytes: Buffer, at: number, visitor: BatchVisitor): void {
  const kind = at + DEFINE_BYTES
  const name = kind + bytes.readUInt32LE(at + 8)
  const doc = name + bytes.readUInt32LE(at + 12)
  const docLength = bytes.readInt32LE(at + 16)
  visitor.define(
    bytes.readUInt16LE(at + 2),
    bytes.toString('utf8', kind, name),
    bytes.toString('utf8', name, doc),
    docLength < 0 ? null : bytes.toString('utf8', doc, doc + docLength),
  )
}
