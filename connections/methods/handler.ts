// How the cold methods of a channel are handled: one table per AMQP class, typed by the generated map, so
// that a handler for a method that does not exist, or one that expects other arguments, does not compile.
import type { ReceivedMethods } from '../../protocol/methods.gen.ts'
import type { Channel } from '../channel.ts'

export type Handlers = {
  readonly [Id in keyof ReceivedMethods]?: (channel: Channel, method: ReceivedMethods[Id]) => void
}
