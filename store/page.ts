// A page of messages on its way from the thread that read it to the one that wants it: blocks of memory,
// transferred and never copied, that the messages then are ranges of. Written by the SQLite reader, read by
// SqliteEngine; MemoryEngine and the simulation make their messages from what they hold. Numbers are
// little-endian:
//
//   | id f64 | body id f64 | level f64 | delivery count f64 | key u32 | head u32 | body u32 |
//   | key | head | body | next …

import { invariant } from '../base/invariant.ts'
import {
  exchangeEnd, expiryOf, HEAD_FIXED_BYTES, isDeadLetter, isHead, propertiesAt, rawKeyOf,
} from './head.ts'
import type { StoredMessage } from './store.ts'

const FIXED_BYTES = 44
/** What a message that is left over keeps alive. */
const BLOCK_BYTES = 128 * 1024

/** A message as it lies in the store. */
export interface PageRow {
  readonly id: number
  readonly bodyId: number
  readonly level: number
  readonly deliveryCount: number
  readonly routingKey: string
  readonly head: Buffer
  readonly body: Buffer
}

/** What crosses. */
export interface PackedPage {
  readonly blocks: readonly ArrayBuffer[]
  /** How much of each block is used. */
  readonly lengths: readonly number[]
  readonly isLast: boolean
}

export class PagePacker {
  private readonly blocks: ArrayBuffer[] = []
  private readonly lengths: number[] = []
  private block = Buffer.alloc(0)

  add({ id, bodyId, level, deliveryCount, routingKey, head, body }: PageRow): void {
    const keyBytes = Buffer.byteLength(routingKey)
    const at = this.reserve(FIXED_BYTES + keyBytes + head.length + body.length)
    const { block } = this
    block.writeDoubleLE(id, at)
    block.writeDoubleLE(bodyId, at + 8)
    block.writeDoubleLE(level, at + 16)
    block.writeDoubleLE(deliveryCount, at + 24)
    block.writeUInt32LE(keyBytes, at + 32)
    block.writeUInt32LE(head.length, at + 36)
    block.writeUInt32LE(body.length, at + 40)
    const headAt = at + FIXED_BYTES + block.write(routingKey, at + FIXED_BYTES)
    const bodyAt = headAt + head.copy(block, headAt)
    body.copy(block, bodyAt)
  }

  finish(isLast: boolean): PackedPage {
    return { blocks: this.blocks, lengths: this.lengths, isLast }
  }

  /** Returns where in the last block so many bytes go. */
  private reserve(bytes: number): number {
    const at = this.lengths.at(-1) ?? 0
    if (at + bytes <= this.block.length) {
      this.lengths[this.lengths.length - 1] = at + bytes
      return at
    }
    this.block = Buffer.from(new ArrayBuffer(Math.max(bytes, BLOCK_BYTES)))
    this.blocks.push(this.block.buffer as ArrayBuffer)
    this.lengths.push(bytes)
    return 0
  }
}

/** Errors: InvariantBroken for a head that nobody wrote; the reader has checked every one. */
export function unpackPage({ blocks, lengths }: PackedPage): StoredMessage[] {
  const messages: StoredMessage[] = []
  for (const [index, block] of blocks.entries()) unpackBlock(Buffer.from(block, 0, lengths[index]), messages)
  return messages
}

function unpackBlock(buf: Buffer, messages: StoredMessage[]): void {
  for (let at = 0; at < buf.length;) {
    const keyAt = at + FIXED_BYTES
    const headAt = keyAt + buf.readUInt32LE(at + 32)
    const bodyAt = headAt + buf.readUInt32LE(at + 36)
    const next = bodyAt + buf.readUInt32LE(at + 40)
    const routingKey = buf.toString('utf8', keyAt, headAt)
    const [id, bodyId, level] = [buf.readDoubleLE(at), buf.readDoubleLE(at + 8), buf.readDoubleLE(at + 16)]
    const facts = { id, bodyId, level, deliveryCount: buf.readDoubleLE(at + 24), routingKey }
    messages.push(new PageMessage(facts, buf, headAt, bodyAt, next))
    at = next
  }
}

/** A message whose head is buf[headAt, bodyAt) and whose body follows it, up to `bodyEnd`. */
export class PageMessage implements StoredMessage {
  readonly id: number
  readonly bodyId: number
  readonly level: number
  readonly deliveryCount: number
  readonly routingKey: string
  readonly rawKey: Buffer | null
  readonly exchange: string
  readonly expiresAtMs: number
  readonly isDeadLetter: boolean
  readonly buf: Buffer
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly bodyStart: number
  readonly bodyEnd: number

  constructor(
    { id, bodyId, level, deliveryCount, routingKey }: Omit<PageRow, 'head' | 'body'>, buf: Buffer,
    headAt: number, bodyAt: number, bodyEnd: number,
  ) {
    if (!isHead(buf, headAt, bodyAt)) invariant(false, `message ${id} was loaded without a head`)
    this.id = id
    this.bodyId = bodyId
    this.level = level
    this.deliveryCount = deliveryCount
    this.routingKey = routingKey
    this.rawKey = rawKeyOf(buf, headAt)
    this.propertiesStart = propertiesAt(buf, headAt)
    this.exchange = buf.toString('utf8', headAt + HEAD_FIXED_BYTES, exchangeEnd(buf, headAt))
    this.expiresAtMs = expiryOf(buf, headAt)
    this.isDeadLetter = isDeadLetter(buf, headAt)
    this.buf = buf
    this.propertiesEnd = this.bodyStart = bodyAt
    this.bodyEnd = bodyEnd
  }
}
