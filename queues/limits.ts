// x-max-length and x-max-length-bytes: what counts is what is ready, and of a message its body (RabbitMQ).
import type { ReadyList } from './ready-list.ts'
import type { QueueSettings } from './settings.ts'

type Filling = Pick<ReadyList, 'length' | 'bytes'>

export function isOverLimit(settings: QueueSettings, ready: Filling): boolean {
  return ready.length > settings.lengthMax || (settings.lengthBytesMax !== Infinity
    && ready.length > 0 && ready.bytes > settings.lengthBytesMax)
}

/** With one message more. */
export function wouldBeOverLimit(settings: QueueSettings, ready: Filling, bodyBytes: number): boolean {
  return ready.length + 1 > settings.lengthMax || (settings.lengthBytesMax !== Infinity
    && ready.bytes + bodyBytes > settings.lengthBytesMax)
}
