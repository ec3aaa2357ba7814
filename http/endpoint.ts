// The shape of an endpoint. One row gives the route with its validation and permission check (server.ts), the
// OpenAPI entry (openapi.ts) and the line in docs/reference/http.md. Invariant: a handler is a function of a
// request to an answer; it sees neither fastify nor a socket, and runs when everything about the request but
// the broker's own rules has been checked.
import type { z } from 'zod'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import type { Answer, Listing } from './answer.ts'
import type { Door } from './node-view.ts'

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** The least a user must be tagged with (RabbitMQ); administrators may do everything. */
export type Access = 'anonymous' | 'management' | 'policymaker' | 'monitoring' | 'administrator'

/** The names after the colons of a path. */
export type ParamNames<Path extends string> =
  Path extends `${string}:${infer Name}/${infer Rest}` ? Name | ParamNames<`/${Rest}`>
    : Path extends `${string}:${infer Name}` ? Name : never

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
  /** By lower-case name; undefined when it was not sent. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Where the path is any text, nothing is known. */
type VHostOf<Path extends string> = string extends Path ? VHost | null
  : 'vhost' extends ParamNames<Path> ? VHost : null

interface Row<Path extends string, Who extends Access, Query, Body> {
  readonly method: Method
  /** Parameters as `:name`. `:vhost` is looked up and checked before the handler runs; `:name` is not. */
  readonly path: Path
  readonly access: Who
  /** Beyond the parameters that every list has. Values are texts. */
  readonly query?: z.ZodType<Query>
  /** An absent body counts as `{}` (RabbitMQ). */
  readonly body?: z.ZodType<Body>
  /** Answers a listing: sorted and reduced to columns by the query, `paged` also paged and filtered. */
  readonly list?: 'paged' | 'plain'
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

/** In the order of a path. */
export function paramsOf(path: string): string[] {
  return [...path.matchAll(/:([a-z_]+)/gi)].map(([, name]) => name!)
}
