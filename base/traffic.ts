// What is counted of the messages that pass an object: plain numbers, added to on the message path and read
// by the HTTP door and its sampler (rule 32: count, don't emit). Every field only grows, from 0. An object
// has the fields that it can add to, and no others.

/** Handing out and what comes of it, whoever counts it. */
class DeliveryTraffic {
  published = 0
  deliveredManualAck = 0
  deliveredAutoAck = 0
  gotManualAck = 0
  gotAutoAck = 0
  gotEmpty = 0
  /** Those of the four above gotEmpty that had been handed out before. */
  redelivered = 0
  acked = 0
}

/** Of publishers and consumers: a channel's, or those of a vhost together. */
export class ClientTraffic extends DeliveryTraffic {
  confirmed = 0
  /** Unroutable and mandatory. */
  returned = 0
  /** Unroutable and not mandatory. */
  droppedUnroutable = 0
}

const CLIENT_FIELDS = Object.keys(new ClientTraffic()) as (keyof ClientTraffic)[]

/** What was counted in several places, in one. */
export function addTraffic(sum: ClientTraffic, more: ClientTraffic): void {
  for (const field of CLIENT_FIELDS) sum[field] += more[field]
}

/** Of a queue; `published` is what came in, dead letters too. */
export class QueueTraffic extends DeliveryTraffic {
  /** Came with a key that was known, and was not stored. */
  duplicates = 0
  /** The sum that a sampler saw when it last looked and found nothing new. */
  sampledSum = 0
}

/** Of an exchange that is published to; those behind it count nothing (RabbitMQ). */
export class ExchangeTraffic {
  publishedIn = 0
  /** Once for every queue that a message went to. */
  publishedOut = 0
  /** Came with a key that was known, and was not routed. */
  duplicates = 0
  sampledSum = 0
}

/** Of a channel. */
export class ChannelTraffic extends ClientTraffic {
  sampledSum = 0
}

/** Of a vhost: of all the channels and connections that were ever open in it. */
export class VHostTraffic extends ClientTraffic {
  bytesIn = 0
  bytesOut = 0
  sampledSum = 0
}

/** Of a connection: bytes, and reads and writes of its socket. */
export class ConnectionTraffic {
  bytesIn = 0
  bytesOut = 0
  reads = 0
  writes = 0
  sampledSum = 0
  private vhost: VHostTraffic | null = null

  /** It is opened in a vhost, where the bytes of the handshake count too (RabbitMQ). */
  enter(vhost: VHostTraffic): void {
    this.vhost = vhost
    vhost.bytesIn += this.bytesIn
    vhost.bytesOut += this.bytesOut
  }

  read(bytes: number): void {
    this.bytesIn += bytes
    this.reads++
    if (this.vhost !== null) this.vhost.bytesIn += bytes
  }

  wrote(bytes: number): void {
    this.bytesOut += bytes
    this.writes++
    if (this.vhost !== null) this.vhost.bytesOut += bytes
  }
}
