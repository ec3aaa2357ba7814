// How a connection ends when there is no AmqpError to say so, and how long the last words may take.
import { REPLY_CODES } from '../protocol/reply-codes.gen.ts'

export const CloseReply = {
  /** RabbitMQ says no more than the name when the fault is its own. */
  internalError: { code: REPLY_CODES.internalError.code, text: REPLY_CODES.internalError.text },
  /**
   * RabbitMQ waits this long before it drops a connection without a word, so that guessing passwords is slow.
   */
  silentMs: 3_000,
  /** How long the other side has for close-ok, or to close its socket after ours. */
  awaitedMs: 30_000,
} as const
