// Exchange and routing key as they came in, and the methods that carry them back out: apart from the
// generated writers, because a routing key need not be UTF-8 and goes as it came.
import type { FrameWriter } from './frame-writer.ts'
import { BASIC_GET_OK, BASIC_RETURN } from './methods.gen.ts'

const SHORTSTR_BYTES_MAX = 255

/**
 * Exchange and routing key as basic.deliver, get-ok and return carry them; the key as text or, when it is not
 * UTF-8, as its bytes. A short string has 255 bytes at most: text of a key that was not UTF-8 is cut.
 */
export function encodeEnvelope(exchange: string, routingKey: string | Buffer): Buffer {
  const name = Buffer.from(exchange)
  const key = (typeof routingKey === 'string' ? Buffer.from(routingKey) : routingKey)
    .subarray(0, SHORTSTR_BYTES_MAX)
  return Buffer.concat([Buffer.from([name.length]), name, Buffer.from([key.length]), key])
}

/** basic.get-ok with exchange and routing key as they came in. */
export function writeGetOk(
  writer: FrameWriter, channel: number, deliveryTag: number, redelivered: boolean, wire: Buffer,
  messageCount: number,
): void {
  writer.beginMethod(channel, BASIC_GET_OK)
  writer.longlong(deliveryTag)
  writer.octet(redelivered ? 1 : 0)
  writer.append(wire)
  writer.long(messageCount)
  writer.endFrame()
}

/** basic.return of an unroutable message, with exchange and routing key as they came in. */
export function writeReturn(
  writer: FrameWriter, channel: number, code: number, text: string, wire: Buffer,
): void {
  writer.beginMethod(channel, BASIC_RETURN)
  writer.short(code)
  writer.shortstr(text)
  writer.append(wire)
  writer.endFrame()
}
