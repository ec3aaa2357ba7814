// The HTTP application: rows of endpoints.ts become fastify routes; what is left is authentication, the
// answers for paths that have no row, and the one catch. Called by door.ts. Invariant: a request changes
// nothing, and every answer but an empty one is JSON with `error` and `reason`, as RabbitMQ's, or what the
// endpoint says.

import { fastify } from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { admit, CHALLENGE } from './auth.ts'
import { addBackup } from './backup.ts'
import type { BrokerView } from './broker-view.ts'
import type { HttpLog } from './http-log.ts'
import type { Answer, Endpoint } from './endpoint.ts'
import { endpoints, isRabbitPath } from './endpoints.ts'

/** Without a socket: door.ts gives it requests, tests inject them. */
export function createHttp(view: BrokerView, log: HttpLog): FastifyInstance {
  const answerFailure = failureAnswerer(log)
  const app = fastify({ logger: false, frameworkErrors: answerFailure })
  acceptAnyBody(app)
  for (const row of endpoints) {
    const { method, path: url } = row
    app.route({ method, url, handler: (request, reply) => serve(row, view, request, reply) })
  }
  addBackup(app, view)
  app.setNotFoundHandler(answerUnknown)
  app.setErrorHandler(answerFailure)
  return app
}

/** No endpoint reads a body yet; one that is sent must not turn a 404, 405 or 501 into a 415. */
function acceptAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}

async function serve(row: Endpoint, view: BrokerView, request: FastifyRequest, reply: FastifyReply,
): Promise<FastifyReply> {
  if (row.auth === 'anonymous') return send(reply, row.handler(view))
  const admission = await admit(view, request.headers.authorization, request.ip)
  if ('caller' in admission) return send(reply, row.handler(view, admission.caller))
  void reply.code(401).header('www-authenticate', CHALLENGE)
  return admission.refusal === null ? reply.send() : reply.send(admission.refusal)
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const { status, contentType, body } = answer
  return reply.code(status).header('cache-control', 'no-cache').type(contentType).send(body)
}

function answerUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const [path = ''] = request.url.split('?', 1)
  if (endpoints.some((row) => row.path === path)) return reply.code(405).header('allow', 'GET, HEAD').send()
  if (isRabbitPath(path)) {
    const reason = `${request.method} ${path} is part of RabbitMQ's management API and is not built here yet`
    return reply.code(501).send({ error: 'not_implemented', reason })
  }
  return reply.code(404).send({ error: 'Object Not Found', reason: 'Not Found' })
}

/** fastify brings its own errors here too, as for a path that cannot be decoded: those have a status. */
function failureAnswerer(log: HttpLog) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
    if (error instanceof Error && status < 500) {
      void reply.code(status).send({ error: 'bad_request', reason: error.message })
      return
    }
    log.error({ err: error, method: request.method, path: request.url }, 'HTTP request failed')
    const reason = 'the broker failed to answer; its log says why'
    void reply.code(500).send({ error: 'internal_error', reason })
  }
}
