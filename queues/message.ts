// A message: with Entry, one of the only two objects made per message. It is shared by the queues it was
// routed to and never changes; its bytes stay as they came in (rule 28).
import { hasPriority } from '../protocol/content-header.ts'
import type { StorableMessage } from '../store/store.ts'

/**
 * Where a message was published to. A publisher that repeats itself makes one of these for all its messages.
 */
export class Envelope {
  readonly exchange: string
  readonly routingKey: string
  /** Both as short strings, byte for byte as published: a routing key need not be UTF-8. */
  readonly wire: Buffer
  /** The key's own bytes when the text is not all of it: decoding has put U+FFFD for what is not UTF-8. */
  readonly rawKey: Buffer | null

  constructor(exchange: string, routingKey: string, wire: Buffer) {
    this.exchange = exchange
    this.routingKey = routingKey
    this.wire = wire
    this.rawKey = routingKey.includes('\uFFFD') ? wire.subarray(2 + wire[0]!) : null
  }
}

/** What a message's properties mean to the broker. */
export interface MessageTraits {
  readonly isPersistent: boolean
  readonly expiresAtMs: number
  readonly priority: number
  readonly isDeadLetter: boolean
}

export class Message implements StorableMessage {
  readonly envelope: Envelope
  /**
   * Flags and properties are buf[propertiesStart, propertiesEnd), the joined body buf[bodyStart, bodyEnd).
   */
  readonly buf: Buffer
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly bodyStart: number
  readonly bodyEnd: number
  readonly isPersistent: boolean
  /** From its expiration property: milliseconds since the epoch, Infinity when it never expires by itself. */
  readonly expiresAtMs: number
  /** 0 to 255; counts in queues with priorities only. */
  readonly priority: number
  readonly isDeadLetter: boolean
  /** See StorableMessage; given by the vhost when a body goes to several durable queues. */
  bodyId = 0

  constructor(
    envelope: Envelope, buf: Buffer, propertiesStart: number, propertiesEnd: number, bodyStart: number,
    bodyEnd: number, traits: MessageTraits,
  ) {
    this.envelope = envelope
    this.buf = buf
    this.propertiesStart = propertiesStart
    this.propertiesEnd = propertiesEnd
    this.bodyStart = bodyStart
    this.bodyEnd = bodyEnd
    this.isPersistent = traits.isPersistent
    this.expiresAtMs = traits.expiresAtMs
    this.priority = traits.priority
    this.isDeadLetter = traits.isDeadLetter
  }

  get exchange(): string {
    return this.envelope.exchange
  }

  get routingKey(): string {
    return this.envelope.routingKey
  }

  /** The same message, to expire that much later, in a store of bodies of its own. */
  postponed(ms: number): Message {
    const { isPersistent, priority, isDeadLetter } = this
    return new Message(this.envelope, this.buf, this.propertiesStart, this.propertiesEnd, this.bodyStart,
      this.bodyEnd, { isPersistent, expiresAtMs: this.expiresAtMs + ms, priority, isDeadLetter })
  }

  /** The same message with other flags and properties, which mean the same to the broker. */
  withProperties(properties: Buffer): Message {
    const buf = Buffer.concat([properties, this.buf.subarray(this.bodyStart, this.bodyEnd)])
    return new Message(this.envelope, buf, 0, properties.length, properties.length, buf.length, this)
  }

  get rawKey(): Buffer | null {
    return this.envelope.rawKey
  }

  /** False: it has no priority property, and `priority` is 0. Read off the bytes, for the kinds that ask. */
  get hasPriority(): boolean {
    return hasPriority(this.buf, this.propertiesStart)
  }

  get bodyBytes(): number {
    return this.bodyEnd - this.bodyStart
  }
}
