// What an endpoint answers: a status with or without a body, or a listing, which listing.ts turns into a
// body by the query's paging, sorting and columns. Invariant: made without a look at fastify or a socket.
import type { Message } from '../queues/message.ts'

export interface Answer {
  readonly status: number
  /**
   * An object becomes JSON; text, bytes and a stream go out as they are, as `contentType`; null is an empty
   * body.
   */
  readonly body: object | string | null
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  /** The client went before it had all of it. */
  readonly undelivered?: () => void
}

/** Many objects of one kind, shown one by one, so that ten thousand of them never hold up the broker. */
export interface Listing<T = unknown> {
  readonly rows: readonly T[]
  /** What `name` in the query is compared with, and the order when none is asked for. */
  readonly name: (row: T) => string
  readonly vhost: (row: T) => string
  readonly show: (row: T) => object
}

export function listing<T>(rows: Iterable<T>, of: Omit<Listing<T>, 'rows'>): Listing {
  return { rows: [...rows], ...of } as Listing<T> as Listing
}

export function json(body: object, status = 200): Answer {
  return { status, body, contentType: 'application/json', headers: {} }
}

export function plainText(body: string, contentType: string): Answer {
  return { status: 200, body, contentType, headers: {} }
}

/** A message's body as it is. A browser that is led here must not take it for a page of ours. */
export function messageAnswer({ buf, bodyStart, bodyEnd }: Message, headers: Record<string, string>): Answer {
  const { 'content-type': contentType = 'application/octet-stream', ...rest } = headers
  return {
    status: 200, body: buf.subarray(bodyStart, bodyEnd), contentType,
    headers: { ...rest, 'x-content-type-options': 'nosniff', 'content-security-policy': 'sandbox' },
  }
}

/** 201 with an empty body; a POST says where the new object is, relative to its collection (RabbitMQ). */
export function created(location?: string): Answer {
  const headers = location === undefined ? {} : { location }
  return { status: 201, body: null, contentType: 'application/json', headers }
}

/** 204: changed, deleted, or there already. */
export function noContent(): Answer {
  return { status: 204, body: null, contentType: 'application/json', headers: {} }
}

/** PUT: 201 for a new object, 204 for one that was there. */
export function put(isNew: boolean): Answer {
  return isNew ? created() : noContent()
}
