// What the broker counts: integers that the message path adds to and the HTTP door reads (rule 32: count,
// don't emit).
import { SizeHistogram } from '../base/size-histogram.ts'

export class Counters {
  readonly sizes = new SizeHistogram()
  connectionsOpened = 0
  connectionsClosed = 0
  channelsOpened = 0
  channelsClosed = 0
  queuesDeclared = 0
  queuesCreated = 0
  queuesDeleted = 0
  published = 0
  publishedForConfirm = 0
  routed = 0
  confirmed = 0
  /** Unroutable and mandatory. */
  returned = 0
  /** Unroutable and not mandatory. */
  droppedUnroutable = 0
  deliveredManualAck = 0
  deliveredAutoAck = 0
  gotManualAck = 0
  gotAutoAck = 0
  gotEmpty = 0
  redelivered = 0
  acked = 0
}
