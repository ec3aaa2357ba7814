// Every method that a channel handles outside of the message path, by id.
import type { Channel, MethodHandlers } from '../channel.ts'
import { accessMethods, channelMethods as lifecycleMethods } from './channel.ts'
import { basicMethods } from './basic.ts'
import { confirmMethods } from './confirm.ts'
import { exchangeMethods } from './exchange.ts'
import { queueMethods } from './queue.ts'
import { txMethods } from './tx.ts'

type Handler = (channel: Channel, method: never) => void

/** The id was decoded by the decoder of the same id, so the argument is what the handler expects. */
export const channelMethods: MethodHandlers = new Map(
  [lifecycleMethods, accessMethods, exchangeMethods, queueMethods, basicMethods, confirmMethods, txMethods]
    .flatMap((table) => Object.entries(table))
    .map(([id, handler]) => [Number(id), handler as Handler as (channel: Channel, method: object) => void]),
)
