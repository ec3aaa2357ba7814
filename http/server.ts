// The HTTP application: rows of endpoints.ts become routes. What surrounds every handler is here, in the
// order of RabbitMQ's: method, who asks, tag, accepted type, vhost, query, body. Called by door.ts.
// Invariant: a request that is refused anywhere has changed nothing, and every answer with a body is JSON
// (with `error` and `reason` when refused) or what the endpoint says.
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { fastify } from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import { checkTag, visibleVHost } from './access.ts'
import type { Answer, Listing } from './answer.ts'
import { authenticate, CHALLENGE, Unauthenticated } from './auth.ts'
import { endsOf } from './client-ends.ts'
import { parseColumns, pickColumns } from './columns.ts'
import type { Endpoint } from './endpoint.ts'
import { endpoints, isRabbitPath } from './endpoints.ts'
import { httpErrorOf, noSuchObject } from './errors.ts'
import { logFailure } from './http-log.ts'
import type { HttpLog } from './http-log.ts'
import { renderListing } from './listing.ts'
import type { Door } from './node-view.ts'
import type { Query } from './paging.ts'
import { readForm, readMessages, readObject } from './request-body.ts'
import { anyBytes, formFields, validate } from './schemas.ts'
import type { Client } from './session.ts'
import type { Sessions } from './sessions.ts'

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS']
/** Three names of 255 characters, percent-encoded twice. */
const PARAM_LENGTH_MAX = 8192
const WHOLE_BYTES_MAX = 65_536
const EXCHANGE_PARAMS = ['exchange', 'source', 'destination']

/** Without a socket: door.ts gives it requests, tests inject them. */
export function createHttp(door: Door, sessions: Sessions, log: HttpLog): FastifyInstance {
  const answerFailure = failureAnswerer(log)
  const app = fastify({
    logger: false, frameworkErrors: answerFailure, exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX, ignoreTrailingSlash: true },
  })
  app.removeAllContentTypeParsers()
  // Bodies are read when it is known who sends them.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  for (const [url, rows] of byPath(endpoints)) {
    const allow = allowed(rows)
    app.route({
      method: METHODS, url: url.replace(/\*\w+$/, '*'),
      handler: (request, reply) => {
        const row = rowFor(rows, request.method)
        if (row !== undefined) return serve(row, door, sessions, request, reply.header('allow', allow))
        return reply.code(request.method === 'OPTIONS' ? 200 : 405).header('allow', allow).send()
      },
    })
  }
  app.setNotFoundHandler(answerUnknown)
  app.setErrorHandler(answerFailure)
  return app
}

async function serve(
  row: Endpoint, door: Door, sessions: Sessions, request: FastifyRequest, reply: FastifyReply,
): Promise<FastifyReply> {
  const user = await admit(row, door, request)
  const isJson = row.access !== 'anonymous' && row.answers === undefined
  if (isJson && !acceptsJson(request.headers.accept)) return reply.code(406).send()
  const params = readParams(row, request)
  const query = readQuery(request)
  const findVHost = (): VHost | null => (params['vhost'] === undefined || user === null
    ? null : visibleVHost(door.broker, user, params['vhost']))
  findVHost()
  const validQuery = row.query === undefined ? {} : validate(row.query, request.query as object)
  const body = await bodyFor(row, door, (request.body ?? request.raw) as Readable)
  door.broker.turn.begin()
  const { headers } = request
  // Looked for again: it may have gone while the body came.
  const answer = await row.handle({
    door, sessions, user, params, headers, vhost: findVHost(), query: validQuery, body,
    client: clientOf(request, reply),
  })
  return send(reply, row, answer, query)
}

/** The answer's end closes it too: whoever listens has nothing to do then. */
function clientOf({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply): Client {
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  return { ...endsOf(socket), gone: gone.signal }
}

async function bodyFor(row: Endpoint, { broker }: Door, payload: Readable): Promise<unknown> {
  if (row.body === undefined) return null
  if (row.body === formFields) return readForm(payload)
  if (row.body === anyBytes) return readMessages(payload, broker.limits.messageSizeMax)
  return validate(row.body, await readObject(payload))
}

async function admit(row: Endpoint, { node }: Door, request: FastifyRequest): Promise<User | null> {
  if (row.access === 'anonymous') return null
  const user = await authenticate(node, request.headers.authorization, request.ip)
  checkTag(user, row.access)
  return user
}

/** RabbitMQ writes the default exchange's empty name as `amq.default` in paths. */
function readParams(row: Endpoint, request: FastifyRequest): Record<string, string> {
  const params = request.params as Record<string, string>
  return Object.fromEntries(Object.entries(params).map(([given, value]) => {
    const name = given === '*' ? row.path.slice(row.path.indexOf('*') + 1) : given
    if (value.includes('\ufffd')) throw noSuchObject() // not UTF-8: no such name can be
    return [name, value === 'amq.default' && EXCHANGE_PARAMS.includes(name) ? '' : value]
  }))
}

/** Of a parameter that is given twice the first counts. */
function readQuery(request: FastifyRequest): Query {
  const query = request.query as Record<string, string | string[]>
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [
    name, typeof value === 'string' ? value : value[0],
  ]))
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '') return true
  return accept.split(',').some((range) => /^\s*(?:\*\/\*|application\/(?:json|\*))\s*(?:;|$)/i.test(range))
}

async function send(
  reply: FastifyReply, row: Endpoint, answer: Answer | Listing, query: Query,
): Promise<FastifyReply> {
  void reply.header('cache-control', 'no-cache')
  if ('rows' in answer) return sendListing(reply, await renderListing(answer, query, row.list === 'paged'))
  const { undelivered } = answer
  if (undelivered !== undefined) whenCutOff(reply.raw, undelivered)
  void reply.code(answer.status).headers(answer.headers)
  if (answer.body === null) return reply.send()
  const columns = row.method === 'GET' ? parseColumns(query['columns']) : null
  const isPlain = columns === null || typeof answer.body === 'string' || Array.isArray(answer.body)
    || Buffer.isBuffer(answer.body) || answer.body instanceof Readable
  return reply.type(answer.contentType).send(isPlain ? answer.body : pickColumns(answer.body, columns))
}

/** A long one piece by piece, as the client takes it: to make one of all would hold up everybody else. */
function sendListing(reply: FastifyReply, pieces: readonly Buffer[]): FastifyReply {
  void reply.type('application/json')
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
  if (bytes < WHOLE_BYTES_MAX) return reply.send(Buffer.concat(pieces))
  return reply.header('content-length', bytes).send(Readable.from(pieces))
}

/** Bytes that the system has taken count as delivered: nobody can know more. */
function whenCutOff(response: ServerResponse, tell: () => void): void {
  if (response.destroyed) return tell()
  response.once('close', tell)
  response.once('finish', () => response.off('close', tell))
}

function byPath(rows: readonly Endpoint[]): Map<string, Endpoint[]> {
  const paths = new Map<string, Endpoint[]>()
  for (const row of rows) paths.set(row.path, [...paths.get(row.path) ?? [], row])
  return paths
}

function rowFor(rows: readonly Endpoint[], method: string): Endpoint | undefined {
  if (method !== 'HEAD') return rows.find((row) => row.method === method)
  return rows.find((row) => row.method === 'GET' && row.isSafe !== false)
}

/** In RabbitMQ's order. */
function allowed(rows: readonly Endpoint[]): string {
  const methods = rows.map(({ method }) => method)
  const inOrder = (['GET', 'PUT', 'POST', 'DELETE'] as const).filter((method) => methods.includes(method))
  return [...rowFor(rows, 'HEAD') === undefined ? [] : ['HEAD'], ...inOrder, 'OPTIONS'].join(', ')
}

function answerUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path = ''] = request.url.split('?', 1)
  if (isRabbitPath(path)) {
    const reason = `${request.method} ${path} is part of RabbitMQ's management API and is not built here yet`
    return reply.code(501).send({ error: 'not_implemented', reason })
  }
  return reply.code(404).send({ error: 'Object Not Found', reason: 'Not Found' })
}

/** The one catch. fastify brings its own errors here too, as for a path that cannot be decoded. */
function failureAnswerer(log: HttpLog) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    if (error instanceof Unauthenticated) {
      void reply.code(401).header('www-authenticate', CHALLENGE).send()
      return
    }
    const refusal = httpErrorOf(error)
    if (refusal !== null) {
      if (refusal.status === 401) void reply.header('www-authenticate', CHALLENGE)
      // What was not read of the body is not waited for.
      if (!request.raw.complete) void reply.header('connection', 'close')
      void reply.code(refusal.status).send({ error: refusal.error, reason: refusal.reason })
      return
    }
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
    if (error instanceof Error && status < 500) {
      void reply.code(status).send({ error: 'bad_request', reason: error.message })
      return
    }
    logFailure(log, error, request)
    const reason = 'the broker failed to answer; its log says why'
    void reply.code(500).send({ error: 'internal_error', reason })
  }
}
