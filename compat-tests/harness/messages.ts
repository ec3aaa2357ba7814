// Small words for what nearly every test does with messages: publish a text, get it, collect deliveries,
// count. Called by the test files. Invariant: nothing here waits without a bound, and nothing hides an answer
// of the broker.

import type { Channel, ConfirmChannel, ConsumeMessage, GetMessage, Message, Options } from 'amqplib'
import { until, within } from './poll.ts'

export function text(message: Message | false | null): string {
  if (message === false || message === null) throw new Error('expected a message, got none')
  return message.content.toString()
}

/**
 * Publishes each text to the queue by the default exchange and waits until the broker has confirmed them
 * all.
 */
export async function fill(
  channel: ConfirmChannel, queue: string, texts: readonly string[], options?: Options.Publish,
): Promise<void> {
  for (const body of texts) channel.sendToQueue(queue, Buffer.from(body), options)
  await within('confirms', channel.waitForConfirms())
}

/** Publishes each text to the queue; how the broker confirmed each: 'ack', or 'message nacked'. */
export async function outcomes(
  channel: ConfirmChannel, queue: string, texts: readonly string[], options?: Options.Publish,
): Promise<string[]> {
  return within('confirms', Promise.all(texts.map((body) => new Promise<string>((resolve) => {
    channel.sendToQueue(queue, Buffer.from(body), options, (error: Error | null) => {
      resolve(error === null ? 'ack' : error.message)
    })
  }))))
}

/**
 * Lets time pass by the broker's own clock: until a message published now has expired and is gone. What
 * expires sooner has expired then, too.
 */
export async function elapse(channel: ConfirmChannel, probe: string, ms: number): Promise<void> {
  await channel.assertQueue(probe)
  await fill(channel, probe, ['probe'], { expiration: ms })
  await untilCount(channel, probe, 0)
}

/** The next message of the queue; polls, because a routed message may still be under way. */
export async function get(channel: Channel, queue: string, options?: Options.Get): Promise<GetMessage> {
  return until(`a message in ${queue}`, () => channel.get(queue, options))
}

/** All ready messages, as texts, acknowledged; empty when there are none. Only after confirmed publishes. */
export async function drain(channel: Channel, queue: string): Promise<string[]> {
  const texts: string[] = []
  for (;;) {
    const message = await channel.get(queue, { noAck: true })
    if (message === false) return texts
    texts.push(text(message))
  }
}

/** Waits until the queue has this many ready messages: a count may lag behind publishes (behaviour §4.7). */
export async function untilCount(channel: Channel, queue: string, count: number): Promise<void> {
  await until(`${count} ready messages in ${queue}`, async () =>
    (await channel.checkQueue(queue)).messageCount === count)
}

export interface Inbox {
  readonly tag: string
  readonly messages: ConsumeMessage[]
  /** Whether the broker sent basic.cancel. */
  isCancelled: boolean
  /** The texts, once at least `count` messages are there. */
  texts(count: number): Promise<string[]>
  message(index: number): Promise<ConsumeMessage>
}

/** A consumer that keeps what it is given and settles nothing. */
export async function collect(channel: Channel, queue: string, options?: Options.Consume): Promise<Inbox> {
  const messages: ConsumeMessage[] = []
  const state = { isCancelled: false }
  const { consumerTag } = await channel.consume(queue, (message) => {
    if (message === null) state.isCancelled = true
    else messages.push(message)
  }, options)
  const has = (count: number): Promise<boolean> =>
    until(`${count} deliveries to ${consumerTag}`, () => messages.length >= count)
  return {
    tag: consumerTag,
    messages,
    get isCancelled() {
      return state.isCancelled
    },
    async texts(count) {
      await has(count)
      return messages.map(text)
    },
    async message(index) {
      await has(index + 1)
      return messages[index]!
    },
  }
}

/**
 * Nothing more can be under way to this channel's consumers: a round trip through the queue has passed it.
 * The queue answers the passive declare, and the deliveries it sent before come first.
 */
export async function settled(channel: Channel, queue: string): Promise<void> {
  for (let n = 0; n < 3; n++) await channel.checkQueue(queue)
}
