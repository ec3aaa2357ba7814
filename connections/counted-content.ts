// The content of a redelivery that says how often it was tried: the same body behind a header with the counts
// in it. Only for entries that came back in a queue that shows them; every other message goes out with the
// bytes it came with.
import { ContentHeader } from '../protocol/content-header.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import { COUNT_HEADERS, countHeaders } from '../queues/delivery-counts.ts'
import type { Entry } from '../queues/entry.ts'

export function writeCountedContent(
  writer: FrameWriter, channel: number, { message, deliveryCount }: Entry, frameSizeMax: number,
): void {
  const header = new ContentHeader()
  header.readProperties(message.buf, message.propertiesStart, message.propertiesEnd)
  const properties = header.withHeaders(COUNT_HEADERS, countHeaders(deliveryCount))
  writer.contentHeader(channel, properties, 0, properties.length, message.bodyBytes)
  writer.contentBody(channel, message.buf, message.bodyStart, message.bodyEnd, frameSizeMax)
}
