// The content header of basic.publish, read where it lies. One object per channel, overwritten per message:
// offsets of what the broker acts on, nothing decoded until somebody asks. The whole list is walked, so that
// what goes on to consumers and to disk is well-formed.
//
//   short class | short weight | longlong body size | short flags | properties, highest flag first
import { startsWith } from './bytes.ts'
import { syntaxError } from './errors.ts'
import { encodeTable } from './table-encode.ts'
import { EMPTY_TABLE, TableMalformed, decodeFieldAt, decodeTable, skipFieldAt } from './table.ts'
import type { Field, FieldTable } from './table.ts'

/** The delivery mode of a persistent message. */
export const PERSISTENT = 2

const HEADER_BYTES = 14
const CONTENT_TYPE = 0x8000
const CONTENT_ENCODING = 0x4000
const HEADERS = 0x2000
const DELIVERY_MODE = 0x1000
const PRIORITY = 0x0800
const CORRELATION_ID = 0x0400
const REPLY_TO = 0x0200
const EXPIRATION = 0x0100
const MESSAGE_ID = 0x0080
const TIMESTAMP = 0x0040
const TYPE = 0x0020
const USER_ID = 0x0010
const APP_ID = 0x0008
const CLUSTER_ID = 0x0004
const CONTINUATION = 0x0001
const BCC: ReadonlySet<string> = new Set(['BCC'])

const DELAYS: ReadonlySet<string> = new Set(['x-delay', 'x-deliver-at'])
const DEDUPLICATION = 'x-deduplication-header'

export class ContentHeader {
  buf: Buffer = Buffer.alloc(0)
  /** Flags and property list. */
  propertiesStart = 0
  propertiesEnd = 0
  bodySize = 0
  /** 0 when absent. */
  deliveryMode = 0
  priority = 0
  /** Offsets of the named things, -1 when absent. A short string's offset is that of its length octet. */
  headersAt = -1
  /** Where a headers table lies, or would. */
  headersPlace = 0
  replyToAt = -1
  expirationAt = -1
  userIdAt = -1
  /** Offsets of the tags of the sender-selected routing keys. */
  ccAt = -1
  bccAt = -1
  /** It has a header that says when it is to be ready (queues/delay.ts). */
  hasDelay = false
  /** It has a header that says what it is a duplicate of (queues/deduplication-key.ts). */
  hasDeduplicationKey = false
  private at = 0

  /** Errors: AmqpError syntax-error for a list that does not fit its flags (RabbitMQ: a bare 541; §13.1). */
  read(buf: Buffer, start: number, end: number): void {
    if (end - start < HEADER_BYTES) throw malformed(`content header of ${end - start} bytes`)
    this.readProperties(buf, start + 12, end)
    this.readSize(buf, start)
  }

  /** The size of the body alone; `start` is that of the frame's payload. */
  readSize(buf: Buffer, start: number): void {
    this.bodySize = buf.readUInt32BE(start + 4) * 0x1_0000_0000 + buf.readUInt32BE(start + 8)
  }

  /** Flags and property list alone, as a stored message has them. Errors: as `read`. */
  readProperties(buf: Buffer, start: number, end: number): void {
    this.buf = buf
    this.propertiesStart = start
    this.propertiesEnd = end
    this.headersAt = this.replyToAt = this.expirationAt = this.userIdAt = this.ccAt = this.bccAt = -1
    this.hasDelay = this.hasDeduplicationKey = false
    this.deliveryMode = this.priority = 0
    this.at = start + 2
    const flags = buf.readUInt16BE(start)
    if (flags & CONTENT_TYPE) this.shortstr()
    if (flags & CONTENT_ENCODING) this.shortstr()
    this.headersPlace = this.at
    if (flags & HEADERS) this.headers()
    if (flags & DELIVERY_MODE) this.deliveryMode = buf[this.take(1)]!
    if (flags & PRIORITY) this.priority = buf[this.take(1)]!
    if (flags & CORRELATION_ID) this.shortstr()
    if (flags & REPLY_TO) this.replyToAt = this.shortstr()
    if (flags & EXPIRATION) this.expirationAt = this.shortstr()
    if (flags & MESSAGE_ID) this.shortstr()
    if (flags & TIMESTAMP) this.take(8)
    if (flags & TYPE) this.shortstr()
    if (flags & USER_ID) this.userIdAt = this.shortstr()
    if (flags & APP_ID) this.shortstr()
    if (flags & CLUSTER_ID) this.shortstr()
    if (this.at !== end) throw malformed(`${end - this.at} bytes after the last property`)
  }

  /** A short string property by its offset. */
  text(at: number): string {
    return this.buf.toString('utf8', at + 1, at + 1 + this.buf[at]!)
  }

  /** The headers table, decoded; null when the message has none. */
  decodeHeaders(): FieldTable | null {
    if (this.headersAt < 0) return null
    const start = this.headersAt + 4
    return decodeTable(this.buf, start, start + this.buf.readUInt32BE(this.headersAt))
  }

  /** A property that routing may ask for, as text; null when the message has none. */
  property(name: 'correlation_id' | 'message_id' | 'timestamp'): string | null {
    const { buf } = this
    const flags = buf.readUInt16BE(this.propertiesStart)
    const wanted = name === 'correlation_id' ? CORRELATION_ID : name === 'message_id' ? MESSAGE_ID : TIMESTAMP
    if ((flags & wanted) === 0) return null
    this.at = this.headersEnd
    if (flags & DELIVERY_MODE) this.take(1)
    if (flags & PRIORITY) this.take(1)
    for (const flag of [CORRELATION_ID, REPLY_TO, EXPIRATION, MESSAGE_ID]) {
      if ((flags & flag) === 0) continue
      const at = this.shortstr()
      if (flag === wanted) return this.text(at)
    }
    return buf.readBigUInt64BE(this.at).toString()
  }

  /** The properties may not go on as they came: a BCC header, or the flag that says more flags follow. */
  get isToBeRewritten(): boolean {
    return this.bccAt >= 0 || (this.buf[this.propertiesStart + 1]! & CONTINUATION) !== 0
  }

  /**
   * The properties without BCC, which no receiver may see, without a continuation flag, which RabbitMQ
   * ignores, and with another reply-to, unless that is null. The headers table stays, even when it is empty
   * then.
   */
  rewrite(replyTo: string | null): Buffer {
    const { buf, replyToAt, propertiesStart, propertiesEnd } = this
    const flags = buf.readUInt16BE(propertiesStart) & ~CONTINUATION
    const head = this.bccAt < 0
      ? buf.subarray(propertiesStart + 2, this.headersEnd)
      : Buffer.concat([
        buf.subarray(propertiesStart + 2, this.headersPlace), this.headersWithout(BCC, EMPTY_TABLE),
      ])
    if (replyTo === null) return joined(flags, head, buf.subarray(this.headersEnd, propertiesEnd))
    const name = Buffer.from(replyTo)
    return joined(
      flags, head, buf.subarray(this.headersEnd, replyToAt), Buffer.from([name.length]), name,
      buf.subarray(replyToAt + 1 + buf[replyToAt]!, propertiesEnd))
  }

  /** Properties of a dead letter: without expiration, without the named headers, with others at their end. */
  withHistory(removed: ReadonlySet<string>, added: FieldTable): Buffer {
    const { buf, propertiesStart, propertiesEnd, headersPlace, headersEnd, expirationAt } = this
    const flags = (buf.readUInt16BE(propertiesStart) | HEADERS) & ~(EXPIRATION | CONTINUATION)
    const [gapStart, gapEnd] = expirationAt < 0
      ? [propertiesEnd, propertiesEnd] : [expirationAt, expirationAt + 1 + buf[expirationAt]!]
    return joined(
      flags, buf.subarray(propertiesStart + 2, headersPlace), this.headersWithout(removed, added),
      buf.subarray(headersEnd, gapStart), buf.subarray(gapEnd, propertiesEnd))
  }

  /** Properties with other headers of these names: what was there goes, the others come at the end. */
  withHeaders(removed: ReadonlySet<string>, added: FieldTable): Buffer {
    const { buf, propertiesStart, propertiesEnd, headersPlace, headersEnd } = this
    return joined(
      buf.readUInt16BE(propertiesStart) | HEADERS, buf.subarray(propertiesStart + 2, headersPlace),
      this.headersWithout(removed, added), buf.subarray(headersEnd, propertiesEnd))
  }

  /** Where the headers table ends; its place when there is none. */
  private get headersEnd(): number {
    return this.headersAt < 0 ? this.headersPlace : this.headersAt + 4 + this.buf.readUInt32BE(this.headersAt)
  }

  /**
   * The headers table, length included: pairs with other names byte for byte as they came, then the added
   * ones.
   */
  private headersWithout(removed: ReadonlySet<string>, added: FieldTable): Buffer {
    const { buf, headersEnd } = this
    const pairs: Buffer[] = []
    for (let at = this.headersPlace + 4; at < headersEnd;) {
      const nameEnd = at + 1 + buf[at]!
      const end = skipFieldAt(buf, nameEnd, headersEnd)
      if (!removed.has(buf.toString('utf8', at + 1, nameEnd))) pairs.push(buf.subarray(at, end))
      at = end
    }
    const headers = Buffer.concat([...pairs, encodeTable(added)])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(headers.length)
    return Buffer.concat([length, headers])
  }

  private take(size: number): number {
    const was = this.at
    if (size > this.propertiesEnd - was) throw malformed(`a property of ${size} bytes runs past the end`)
    this.at = was + size
    return was
  }

  private shortstr(): number {
    const was = this.take(1)
    this.take(this.buf[was]!)
    return was
  }

  private noteExtension(name: string): void {
    if (DELAYS.has(name)) this.hasDelay = true
    else if (name === DEDUPLICATION) this.hasDeduplicationKey = true
  }

  private headers(): void {
    const { buf } = this
    this.headersAt = this.take(4)
    const end = this.at + buf.readUInt32BE(this.headersAt)
    if (end > this.propertiesEnd) throw malformed('the headers run past the end')
    try {
      while (this.at < end) {
        const nameAt = this.take(1)
        const length = buf[nameAt]!
        this.take(length)
        if (length === 2 && buf[nameAt + 1] === 0x43 && buf[nameAt + 2] === 0x43) {
          this.ccAt = this.at
        } else if (length === 3 && buf.toString('latin1', nameAt + 1, nameAt + 4) === 'BCC') {
          this.bccAt = this.at
        } else if (buf[nameAt + 1] === 0x78) {
          this.noteExtension(buf.toString('latin1', nameAt + 1, this.at))
        }
        this.at = skipFieldAt(buf, this.at, end)
      }
    } catch (error) {
      if (error instanceof TableMalformed) throw malformed(error.message)
      throw error
    }
    if (this.at !== end) throw malformed('a header runs past the end of the headers')
  }
}

/**
 * A header of a property list that was read before, as it lies from `start`; undefined when it has none of
 * that name, which is given in UTF-8. Nothing else is decoded. Of a repeated name the first counts.
 */
export function findHeader(buf: Buffer, start: number, name: Buffer): Field | undefined {
  const flags = buf.readUInt16BE(start)
  if ((flags & HEADERS) === 0) return undefined
  let at = start + 2
  if (flags & CONTENT_TYPE) at += 1 + buf[at]!
  if (flags & CONTENT_ENCODING) at += 1 + buf[at]!
  const end = at + 4 + buf.readUInt32BE(at)
  for (at += 4; at < end;) {
    const valueAt = at + 1 + buf[at]!
    const isIt = buf[at] === name.length && startsWith(name, buf, at + 1, valueAt)
    if (isIt) return decodeFieldAt(buf, valueAt, end)
    at = skipFieldAt(buf, valueAt, end)
  }
  return undefined
}

/** Whether a property list, as it lies from `start`, has a priority. */
export function hasPriority(buf: Buffer, start: number): boolean {
  return (buf[start]! & (PRIORITY >>> 8)) !== 0
}

function joined(flags: number, ...pieces: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(flags)
  return Buffer.concat([head, ...pieces])
}

const malformed = (why: string): Error => syntaxError(`malformed content header: ${why}`)
