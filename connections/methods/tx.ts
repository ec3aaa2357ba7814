// tx.*: publishes and acknowledgements that count when they are committed (behaviours §6.2).
import {
  TX_COMMIT, TX_ROLLBACK, TX_SELECT, writeTxCommitOk, writeTxRollbackOk, writeTxSelectOk,
} from '../../protocol/methods.gen.ts'
import type { Handlers } from './handler.ts'

export const txMethods: Handlers = {
  [TX_SELECT](channel) {
    channel.selectTransactions()
    writeTxSelectOk(channel.connection.writer, channel.number)
    channel.connection.mark()
  },

  [TX_COMMIT](channel) {
    channel.connection.replyWhenStored(channel, channel.commit(), writeTxCommitOk)
  },

  [TX_ROLLBACK](channel) {
    channel.rollback()
    writeTxRollbackOk(channel.connection.writer, channel.number)
    channel.connection.mark()
  },
}
