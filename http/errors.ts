// What an HTTP client did wrong, and the one table from AMQP's errors to statuses (architecture §8). Handlers
// throw; server.ts has the only catch. Invariant: `error` and `reason` are texts, always (RabbitMQ lets an
// Erlang term through here and there; a client cannot rely on its shape).
import { Refusal } from '../broker/refusal.ts'
import { AmqpError } from '../protocol/errors.ts'

export class HttpError extends Error {
  override name = 'HttpError'
  readonly status: number
  readonly error: string
  readonly reason: string

  constructor(status: number, error: string, reason: string) {
    super(`${status} ${error}: ${reason}`)
    this.status = status
    this.error = error
    this.reason = reason
  }
}

export const badRequest = (reason: string): HttpError => new HttpError(400, 'bad_request', reason)

/** RabbitMQ never answers 403: whoever may not is told so with a 401 and the British spelling. */
export const notAuthorised = (reason: string): HttpError => new HttpError(401, 'not_authorised', reason)

/** What the path names is not there. */
export const noSuchObject = (): HttpError => new HttpError(404, 'Object Not Found', 'Not Found')

/** Something that the path or the body needs is not there, or is nobody's business. */
export const notFound = (reason: string): HttpError => new HttpError(404, 'not_found', reason)

const REFUSAL_STATUS: Readonly<Record<Refusal['kind'], number>> =
  { bad_request: 400, not_found: 404, precondition_failed: 412 }

/** The status for a refusal of the broker. Null: not a refusal but a fault of ours. */
export function httpErrorOf(error: unknown): HttpError | null {
  if (error instanceof HttpError) return error
  if (error instanceof Refusal) return new HttpError(REFUSAL_STATUS[error.kind], error.kind, error.message)
  if (!(error instanceof AmqpError)) return null
  switch (error.replyName) {
    case 'accessRefused': return notAuthorised('Access refused.')
    case 'notFound': return notFound(error.explanation)
    case 'notImplemented': return new HttpError(501, 'not_implemented', error.explanation)
    case 'internalError': return null
    default: return badRequest(error.explanation)
  }
}
