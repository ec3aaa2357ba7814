// What the broker counts: integers that the message path adds to and the HTTP door reads (rule 32: count,
// don't emit). What publishers and consumers do is counted by their vhost (base/traffic.ts).
import { SizeHistogram } from '../base/size-histogram.ts'
import { TimeHistogram } from '../base/time-histogram.ts'
import { noDeaths } from '../dlq/dead-letterer.ts'
import type { ClientTraffic } from '../base/traffic.ts'

/** Of the whole broker, what the vhosts counted added up. */
export type AllCounters = Counters & ClientTraffic

export class Counters {
  readonly sizes = new SizeHistogram()
  /** From a publish to its confirm; the oldest of those that are confirmed together stands for them. */
  readonly confirmTimes = new TimeHistogram()
  /** From a message's arrival to each time it is handed out. */
  readonly queueTimes = new TimeHistogram()
  /** Messages sent to a dead-letter exchange that is there. */
  readonly deadLettered = noDeaths()
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
