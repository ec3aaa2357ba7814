// Requests for a WebSocket: a queue as a stream (websocket-stream.ts), and AMQP, which the door hands on.
// Called by door.ts. Invariant: a refused one is answered as any request of the API, with `error` and
// `reason`, and closed.
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import { queueToConsume, visibleVHost } from './access.ts'
import { authenticate, CHALLENGE, Unauthenticated } from './auth.ts'
import { endsOf } from './client-ends.ts'
import { badRequest, HttpError, httpErrorOf, noSuchObject } from './errors.ts'
import { logFailure } from './http-log.ts'
import type { HttpLog } from './http-log.ts'
import type { Door } from './node-view.ts'
import { integerFrom, validate } from './schemas.ts'
import type { Sessions } from './sessions.ts'
import { WebSocketStream } from './websocket-stream.ts'

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

const AMQP_PATH = '/ws/amqp'
const QUEUE_PATH = /^\/api\/v1\/ws\/queues\/([^/]+)\/([^/]+)\/?$/
/** Of one message from a client: acks are short. */
const SETTLEMENT_BYTES_MAX = 1024 * 1024
/** Frames of AMQP, of which a client may put several into one message. */
const AMQP_BYTES_MAX = 4 * 1024 * 1024
const PREFETCH_MAX = 65_535

const streamQuery = z.object({
  ack: z.enum(['manual', 'auto'], { error: 'ack: expected manual or auto' }).default('manual'),
  prefetch: integerFrom(1, PREFETCH_MAX, 10),
})

export function createWebSockets(door: Door, sessions: Sessions, log: HttpLog): UpgradeListener {
  const streams = new WebSocketServer({
    noServer: true, clientTracking: false, maxPayload: SETTLEMENT_BYTES_MAX,
  })
  const amqp = new WebSocketServer({
    noServer: true, clientTracking: false, maxPayload: AMQP_BYTES_MAX,
    handleProtocols: (offered) => (offered.has('amqp') ? 'amqp' : false),
  })
  return (request, socket, head) => {
    // Not by URL, which throws for `//`.
    const [path = '', query = ''] = request.url?.split('?', 2) ?? []
    const found = QUEUE_PATH.exec(path)
    if (path === AMQP_PATH) {
      amqp.handleUpgrade(request, socket, head, (opened) => door.acceptAmqp(opened, request.socket))
      return
    }
    const opening = found === null ? Promise.reject(noSuchObject())
      : openStream(door, sessions, request, [found[1]!, found[2]!], new URLSearchParams(query))
    opening.then((start) => streams.handleUpgrade(request, socket, head, start))
      .catch((error: unknown) => refuse(socket, request, error, log))
  }
}

/** Everything that can be refused is, before the socket is a WebSocket. Errors: HttpError, AmqpError. */
async function openStream(
  { broker, node }: Door, sessions: Sessions, request: IncomingMessage, names: readonly [string, string],
  query: URLSearchParams,
): Promise<(opened: WebSocket) => void> {
  checkOrigin(request)
  const { socket, headers } = request
  const user = await authenticate(node, headers.authorization, socket.remoteAddress ?? '')
  const [vhostName, queueName] = names.map(decodeName) as [string, string]
  const vhost = visibleVHost(broker, user, vhostName)
  const { ack, prefetch } = validate(streamQuery, Object.fromEntries(query))
  const queue = queueToConsume(broker, user, vhost, queueName)
  broker.turn.begin()
  const session = sessions.ofStream(vhost, user, endsOf(socket))
  socket.once('close', () => session.end('the client is gone')) // a handshake that fails ends in that, too
  const wish = { isNoAck: ack === 'auto', prefetch }
  return (opened) => new WebSocketStream(opened, session, queue, wish).start()
}

/** A page of another site must not use what the browser knows of a login here. Errors: HttpError. */
function checkOrigin({ headers: { origin, host } }: IncomingMessage): void {
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return
  throw new HttpError(403, 'forbidden', `a page of ${origin.slice(0, 100)} may not open this`)
}

/** Errors: HttpError. */
function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw badRequest(`not_a_name: ${encoded.slice(0, 100)}`)
  }
}

function refuse(socket: Duplex, request: IncomingMessage, error: unknown, log: HttpLog): void {
  const refusal = error instanceof Unauthenticated ? new HttpError(401, 'not_authorised', 'Login required')
    : httpErrorOf(error)
  if (refusal === null) logFailure(log, error, request)
  const { status, error: word, reason } = refusal
    ?? new HttpError(500, 'internal_error', 'the broker failed to answer; its log says why')
  const body = JSON.stringify({ error: word, reason })
  socket.end([
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, 'Connection: close', 'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...status === 401 ? [`WWW-Authenticate: ${CHALLENGE}`] : [], '', body,
  ].join('\r\n'))
}
