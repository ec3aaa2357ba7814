// Reads a method's arguments from a frame's payload, in wire order. The generated decoders call it; it never
// reads past its end: a method that is cut short or has bytes left over is refused as RabbitMQ does (501
// `cannot decode <<…>>`).
import { frameError, malformedUtf8, printBinary } from './errors.ts'
import { TableMalformed, decodeTable } from './table.ts'
import type { FieldTable } from './table.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ArgumentReader {
  private buf: Buffer = Buffer.alloc(0)
  private first = 0
  private at = 0
  private limit = 0

  /** The range of the arguments: after class and method id, up to the end of the payload. */
  over(buf: Buffer, start: number, end: number): this {
    this.buf = buf
    this.first = start
    this.at = start
    this.limit = end
    return this
  }

  octet(): number {
    return this.buf[this.take(1)]!
  }

  short(): number {
    return this.buf.readUInt16BE(this.take(2))
  }

  long(): number {
    return this.buf.readUInt32BE(this.take(4))
  }

  /** Exact up to 2^53 - 1; no tag or size that we ever gave out is larger. */
  longlong(): number {
    const at = this.take(8)
    return this.buf.readUInt32BE(at) * 0x1_0000_0000 + this.buf.readUInt32BE(at + 4)
  }

  /**
   * Names must be UTF-8 (RabbitMQ: 501 `Malformed UTF-8 in shortstr`); what a publish names is
   * read as it is.
   */
  shortstr(): string {
    const length = this.octet()
    const start = this.take(length)
    try {
      return utf8.decode(this.buf.subarray(start, start + length))
    } catch {
      throw malformedUtf8()
    }
  }

  anystr(): string {
    const length = this.octet()
    const start = this.take(length)
    return this.buf.toString('utf8', start, start + length)
  }

  longstr(): Buffer {
    const length = this.long()
    const start = this.take(length)
    return Buffer.from(this.buf.subarray(start, start + length))
  }

  table(): FieldTable {
    const length = this.long()
    const start = this.take(length)
    try {
      return decodeTable(this.buf, start, start + length)
    } catch (error) {
      if (error instanceof TableMalformed) throw this.undecodable()
      throw error
    }
  }

  end(): void {
    if (this.at !== this.limit) throw this.undecodable()
  }

  private take(size: number): number {
    const start = this.at
    if (start + size > this.limit) throw this.undecodable()
    this.at = start + size
    return start
  }

  private undecodable(): Error {
    return frameError(`cannot decode ${printBinary(this.buf.subarray(this.first, this.limit))}`)
  }
}
