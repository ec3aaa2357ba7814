// The shape of an endpoint. http/server.ts turns rows into routes and docs/reference/http.md lists them, so
// an endpoint is written once. Invariant: a handler is a function of the view (and of who asks) to an answer;
// it sees neither fastify nor a socket.

import type { BrokerView, Caller } from './broker-view.ts'

export interface Answer {
  readonly status: number
  /** An object becomes JSON; a text goes out as it is. */
  readonly body: object | string
  readonly contentType: string
}

interface Described {
  readonly method: 'GET'
  readonly path: string
  readonly doc: string
}

/** `management` asks for basic auth of a user whose tags open the HTTP API, as RabbitMQ's do. */
export type Endpoint = Described & (
  | { readonly auth: 'anonymous'; readonly handler: (view: BrokerView) => Answer }
  | { readonly auth: 'management'; readonly handler: (view: BrokerView, caller: Caller) => Answer }
)

export function endpoint(row: Endpoint): Endpoint {
  return row
}

export function json(status: number, body: object): Answer {
  return { status, body, contentType: 'application/json' }
}
