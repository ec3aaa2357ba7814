// What is counted of the messages that pass an object: plain numbers, added to on the message path and read
// by the HTTP door and its sampler (rule 32: count, don't emit). Every field only grows, from 0. An object
// has the fields that it can add to, and no others.

/** Of a queue. */
export class QueueTraffic {
  /** Came in, whether published or dead-lettered here. */
  published = 0
  deliveredManualAck = 0
  deliveredAutoAck = 0
  gotManualAck = 0
  gotAutoAck = 0
  gotEmpty = 0
  /** Those of the four above that had been handed out before. */
  redelivered = 0
  acked = 0
  /** The sum that a sampler saw when it last looked and found nothing new. */
  sampledSum = 0
}

/** Of an exchange that is published to; those behind it count nothing (RabbitMQ). */
export class ExchangeTraffic {
  publishedIn = 0
  /** Once for every queue that a message went to. */
  publishedOut = 0
  sampledSum = 0
}

/** Of a channel. */
export class ChannelTraffic {
  published = 0
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
  sampledSum = 0
}

/** Of a connection: bytes, and reads and writes of its socket. */
export class ConnectionTraffic {
  bytesIn = 0
  bytesOut = 0
  reads = 0
  writes = 0
  sampledSum = 0
}
