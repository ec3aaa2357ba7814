// The shape of an endpoint. One row gives the route with its validation and permission check (server.ts), the
// OpenAPI entry (openapi.ts) and the line in docs/reference/http.md. Invariant: a handler is a function of a
// request to an answer; it sees neither fastify nor a socket, and runs when everything about the request but
// the broker's own rules has been checked.
import type { z } from 'zod'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import type { Answer, Listing } from './answer.ts'
import type { Door } from './node-view.ts'
import type { Client } from './session.ts'
import type { Sessions } from './sessions.ts'
import type { HttpHeaders } from './trace-context.ts'

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

/**
 * The least a user must be tagged with (RabbitMQ); administrators may do everything. `user` asks for a login
 * and no tag: what works with messages needs the permissions that it needs over AMQP, and nothing else.
 */
export type Access = 'anonymous' | 'user' | 'management' | 'policymaker' | 'monitoring' | 'administrator'

/** The names after the colons of a path, and after the asterisk at its end. */
export type ParamNames<Path extends string> =
  Path extends `${string}:${infer Name}/${infer Rest}` ? Name | ParamNames<`/${Rest}`>
    : Path extends `${string}:${infer Name}` ? Name
      : Path extends `${string}*${infer Name}` ? Name : never

export interface Request<Path extends string, Who extends Access, Query, Body> {
  readonly door: Door
  /** Null for anonymous endpoints. */
  readonly user: Access extends Who ? User | null : Who extends 'anonymous' ? null : User
  /** Decoded; `amq.default` stands for the default exchange, whose name is empty. */
  readonly params: Readonly<Record<ParamNames<Path>, string>>
  /** The one that `:vhost` names: it is there, and the user may see it. */
  readonly vhost: VHostOf<Path>
  readonly query: Query
  readonly body: Body
  /** Who consumes over HTTP. */
  readonly sessions: Sessions
  readonly client: Client
  /** By lower-case name; undefined when it was not sent. */
  readonly headers: HttpHeaders
}

/** Where the path is any text, nothing is known. */
type VHostOf<Path extends string> = string extends Path ? VHost | null
  : 'vhost' extends ParamNames<Path> ? VHost : null

interface Row<Path extends string, Who extends Access, Query, Body> {
  readonly method: Method
  /**
   * Parameters as `:name`, as `*name` for all the rest, slashes too. `:vhost` is looked up and checked before
   * the handler runs; `:name` is not.
   */
  readonly path: Path
  readonly access: Who
  /** Beyond the parameters that every list has. Values are texts. */
  readonly query?: z.ZodType<Query>
  /** An absent body counts as `{}` (RabbitMQ). `anyBytes` (schemas.ts): the body comes as it was sent. */
  readonly body?: z.ZodType<Body>
  /** Answers a listing: sorted and reduced to columns by the query, `paged` also paged and filtered. */
  readonly list?: 'paged' | 'plain'
  /** Not JSON alone: what the client accepts is not looked at. */
  readonly answers?: 'anything'
  /** False: a GET that takes something, so that there is no HEAD. */
  readonly isSafe?: boolean
  /** One sentence or two in Markdown. */
  readonly doc: string
  handle(request: Request<Path, Who, Query, Body>): Answer | Listing | Promise<Answer | Listing>
}

/** A row whose types have been checked where it was written. */
export type Endpoint = Row<string, Access, unknown, unknown>

export function endpoint<
  const Path extends string, const Who extends Access, Query = Record<string, never>, Body = null,
>(row: Row<Path, Who, Query, Body>): Endpoint {
  return row as unknown as Endpoint
}

/** As OpenAPI writes it: `{name}`. */
export function templateOf(path: string): string {
  return path.replaceAll(/[:*]([a-z_]+)/gi, '{$1}')
}

/** In the order of a path. */
export function paramsOf(path: string): string[] {
  return [...path.matchAll(/[:*]([a-z_]+)/gi)].map(([, name]) => name!)
}
