// How a broker closed a channel or a connection, as plain data a test can compare: code, text, offending
// method. Tests write `expect(await channelClosure(ch, () => ch.checkQueue(q))).toEqual(closed(404, '…',
// 'queue.declare'))`. Invariant: the closure is taken from the close frame itself, which amqplib passes on in
// the 'error' event.

import type { Channel, ChannelModel } from 'amqplib'
import { methodNameOf } from './amqp-methods.ts'
import type { MethodName } from './amqp-methods.ts'
import { within } from './poll.ts'
import type { RawClient } from './raw-client.ts'
import type { Args } from './wire.ts'

export interface Closure {
  code: number
  text: string
  /** The method the broker blames; 'none' for 0/0. Not told by amqplib for connections. */
  method?: string
}

interface AmqplibError extends Error {
  code?: number
  classId?: number
  methodId?: number
}

export function closed(code: number, text: string, method?: MethodName | 'none'): Closure {
  return method === undefined ? { code, text } : { code, text, method }
}

function methodOf(classId: number, methodId: number): string {
  return classId === 0 && methodId === 0 ? 'none' : methodNameOf(classId, methodId)
}

// amqplib: 'Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no queue …"'
function replyText(error: Error): string {
  const text = /with message "(.*)"$/s.exec(error.message)?.[1]
  if (text === undefined) throw new Error(`the broker sent no close: ${error.message}`, { cause: error })
  return text
}

async function closeOf(
  emitter: Channel | ChannelModel, what: string, action: () => unknown,
): Promise<AmqplibError> {
  const closing = new Promise<AmqplibError>((resolve, reject) => {
    emitter.once('error', resolve)
    // 'close' follows 'error'; alone it means that something else was closed: the connection under a channel.
    emitter.once('close', () => reject(new Error(`closed without an error of its own, awaited: ${what}`)))
  })
  // The action's own promise rejects with the same close, or never settles; the 'error' event decides.
  const acting = Promise.resolve(action()).catch((error: unknown) => error)
  const error = await within(what, closing)
  await within(`the rejected call on the closed ${what}`, acting)
  return error
}

/** What the broker said when it closed the channel because of `action`. */
export async function channelClosure(channel: Channel, action: () => unknown): Promise<Closure> {
  const error = await closeOf(channel, 'the broker closes the channel', action)
  const { code = 0, classId = 0, methodId = 0 } = error
  return { code, text: replyText(error), method: methodOf(classId, methodId) }
}

/** What the broker said when it closed the connection because of `action`. */
export async function connectionClosure(connection: ChannelModel, action: () => unknown): Promise<Closure> {
  const error = await closeOf(connection, 'the broker closes the connection', action)
  return { code: error.code ?? 0, text: replyText(error) }
}

/** The next method on a raw connection, which must be a close; it is answered. */
export async function rawClosure(client: RawClient, scope: 'connection' | 'channel'): Promise<Closure> {
  const { name, args, channel } = await client.nextMethod()
  if (name !== `${scope}.close`) {
    throw new Error(`expected ${scope}.close, got ${name} ${JSON.stringify(args)}`)
  }
  client.send(channel, `${scope}.close-ok`)
  return closureOf(args)
}

function closureOf(args: Args): Closure {
  return {
    code: args['reply-code'] as number, text: args['reply-text'] as string,
    method: methodOf(args['class-id'] as number, args['method-id'] as number),
  }
}
