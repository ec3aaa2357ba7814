// What the broker counts: integers that the message path adds to and the HTTP door reads (rule 32: count,
// don't emit).
import { SizeHistogram } from '../base/size-histogram.ts'
import { ClientTraffic } from '../base/traffic.ts'

export class Counters extends ClientTraffic {
  readonly sizes = new SizeHistogram()
  connectionsOpened = 0
  connectionsClosed = 0
  channelsOpened = 0
  channelsClosed = 0
  queuesDeclared = 0
  queuesCreated = 0
  queuesDeleted = 0
  publishedForConfirm = 0
  routed = 0
}
