// connection.* once the handshake is over: close, update-secret, and what may no longer be said (behaviours
// §1.6).
import type { ArgumentReader } from '../protocol/argument-reader.ts'
import { channelError, commandInvalid, frameError } from '../protocol/errors.ts'
import {
  CONNECTION_CLOSE, CONNECTION_CLOSE_OK, CONNECTION_OPEN, CONNECTION_UPDATE_SECRET, METHOD_NAMES,
  decodeConnectionClose, decodeConnectionUpdateSecret, writeConnectionCloseOk, writeConnectionUpdateSecretOk,
} from '../protocol/methods.gen.ts'
import { FRAME_METHOD } from '../protocol/spec.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'

const CLASSES = new Set([...METHOD_NAMES.keys()].map((id) => id >>> 16))

/**
 * RabbitMQ drops the connection for both; a client that is told why can be mended. Errors: command-,
 * frame-error.
 */
export function checkKnown(id: number): void {
  if (METHOD_NAMES.has(id)) return
  if (CLASSES.has(id >>> 16)) throw frameError('cannot decode <<>>')
  throw commandInvalid('unimplemented method')
}

/** What these methods do to their connection. */
export interface ClosableConnection {
  readonly writer: FrameWriter
  mark(): void
  closedByClient(): void
  finish(): void
}

export class ConnectionMethods {
  private readonly connection: ClosableConnection

  constructor(connection: ClosableConnection) {
    this.connection = connection
  }

  /** Errors: channel-error for what is out of place, frame-error for what is no method. */
  onMethod(id: number, reader: ArgumentReader): void {
    if (id === CONNECTION_CLOSE) {
      decodeConnectionClose(reader)
      return this.connection.closedByClient()
    }
    if (id === CONNECTION_UPDATE_SECRET) {
      // The internal user database has no secrets that expire: RabbitMQ accepts any value then.
      decodeConnectionUpdateSecret(reader)
      writeConnectionUpdateSecretOk(this.connection.writer, 0)
      return this.connection.mark()
    }
    checkKnown(id)
    throw channelError('unexpected method in connection state running')
  }

  /** Between tune-ok and open. Errors: channel-error. */
  checkOpening(id: number): void {
    if (id !== CONNECTION_OPEN) throw channelError('unexpected method in connection state opening')
  }

  /** Only the end of it still counts; a close that crosses ours is answered. */
  onFrameWhileClosing(type: number, channel: number, buf: Buffer, start: number): void {
    if (type !== FRAME_METHOD || channel !== 0) return
    const id = buf.readUInt32BE(start)
    if (id === CONNECTION_CLOSE) {
      writeConnectionCloseOk(this.connection.writer, 0)
      this.connection.mark()
    } else if (id === CONNECTION_CLOSE_OK) {
      this.connection.finish()
    }
  }
}
