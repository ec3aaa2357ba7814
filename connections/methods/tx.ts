// tx.*: transactions are not built yet and say so.
import { notImplemented, preconditionFailed } from '../../protocol/errors.ts'
import { TX_COMMIT, TX_ROLLBACK, TX_SELECT } from '../../protocol/methods.gen.ts'
import type { Handlers } from './handler.ts'

const notTransactional = (): never => {
  throw preconditionFailed('channel is not transactional')
}

export const txMethods: Handlers = {
  [TX_SELECT]() {
    throw notImplemented('tx.select is not built yet')
  },
  [TX_COMMIT]: notTransactional,
  [TX_ROLLBACK]: notTransactional,
}
