// What carries an envelope to a client, apart from the generated writers because the envelope's bytes go as they came:
// basic.get-ok, basic.return, and a basic.deliver frame built once per consumer and envelope, then copied and patched per message: 33 ns against over a
// microsecond from strings (style-by-example §5). frame-writer.test.ts compares it with the generated writer.
//
//   1 | channel | size | 60 60 | consumer tag | delivery tag (8) | redelivered | exchange | routing key | CE
//                                               ^ tagAt
import type { FrameWriter } from './frame-writer.ts'
import { FRAME_END, FRAME_METHOD } from './spec.ts'
import { BASIC_DELIVER, BASIC_GET_OK, BASIC_RETURN } from './methods.gen.ts'

export interface DeliverTemplate {
  readonly frame: Buffer
  readonly tagAt: number
}

/** `wire` is exchange and routing key as two short strings. */
export function buildDeliverTemplate(channel: number, consumerTag: string, wire: Buffer): DeliverTemplate {
  const tag = Buffer.from(consumerTag)
  const frame = Buffer.alloc(7 + 4 + 1 + tag.length + 9 + wire.length + 1)
  frame[0] = FRAME_METHOD
  frame.writeUInt16BE(channel, 1)
  frame.writeUInt32BE(frame.length - 8, 3)
  frame.writeUInt32BE(BASIC_DELIVER, 7)
  frame[11] = tag.length
  tag.copy(frame, 12)
  const tagAt = 12 + tag.length
  wire.copy(frame, tagAt + 9)
  frame[frame.length - 1] = FRAME_END
  return { frame, tagAt }
}

/** basic.get-ok with exchange and routing key as they came in. */
export function writeGetOk(
  writer: FrameWriter, channel: number, deliveryTag: number, redelivered: boolean, wire: Buffer, messageCount: number,
): void {
  writer.beginMethod(channel, BASIC_GET_OK)
  writer.longlong(deliveryTag)
  writer.octet(redelivered ? 1 : 0)
  writer.append(wire)
  writer.long(messageCount)
  writer.endFrame()
}

/** basic.return of an unroutable message, with exchange and routing key as they came in. */
export function writeReturn(writer: FrameWriter, channel: number, code: number, text: string, wire: Buffer): void {
  writer.beginMethod(channel, BASIC_RETURN)
  writer.short(code)
  writer.shortstr(text)
  writer.append(wire)
  writer.endFrame()
}

/** Exchange and routing key as basic.deliver, get-ok and return carry them. */
export function encodeEnvelope(exchange: string, routingKey: string): Buffer {
  const name = Buffer.from(exchange)
  const key = Buffer.from(routingKey)
  return Buffer.concat([Buffer.from([name.length]), name, Buffer.from([key.length]), key])
}
