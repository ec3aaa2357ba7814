// confirm.select: from the next publish on, the channel's publishes are numbered and confirmed.
import { CONFIRM_SELECT, writeConfirmSelectOk } from '../../protocol/methods.gen.ts'
import type { Handlers } from './handler.ts'

export const confirmMethods: Handlers = {
  [CONFIRM_SELECT](channel, m) {
    channel.selectConfirms()
    if (!m.nowait) writeConfirmSelectOk(channel.connection.writer, channel.number)
    channel.connection.mark()
  },
}
