// The HTTP door as the process opens it: the port listens at once, the library behind it is loaded by the
// first request. A broker that nobody asks anything over HTTP does without it.
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { HttpLog } from './http-log.ts'
import type { Door } from './node-view.ts'

export interface HttpOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** For /metrics alone; null for none. */
  readonly prometheusPort: number | null
  readonly door: Door
  readonly log: HttpLog
}

export interface RunningHttp {
  readonly url: string
  /** Of the listener for /metrics alone. */
  readonly prometheusPort: number | null
  close(): Promise<void>
}

/** Fails with Node's own error (EADDRINUSE, EACCES…) when it cannot listen. */
export async function startHttp(
  { host, port, prometheusPort, door, log }: HttpOptions,
): Promise<RunningHttp> {
  let loading: Promise<FastifyInstance> | null = null
  const load = (): Promise<FastifyInstance> => (loading ??= loadApp(door, log))
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    load().then((app) => app.routing(request, response), (err: unknown) => fail(request, response, err, log))
  }
  const server = await listen(host, port, answer)
  const scraped = prometheusPort === null ? null : await listen(host, prometheusPort, (request, response) => {
    if (/^\/metrics(?:[/?]|$)/.test(request.url ?? '')) answer(request, response)
    else response.writeHead(404).end()
  }).catch(async (error: unknown) => {
    await stop(server)
    throw error
  })
  const shownHost = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shownHost}:${(server.address() as AddressInfo).port}`,
    prometheusPort: scraped === null ? null : (scraped.address() as AddressInfo).port,
    async close() {
      await stop(server)
      if (scraped !== null) await stop(scraped)
      if (loading !== null) await (await loading).close()
    },
  }
}

function listen(host: string, port: number, answer: RequestListener): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(answer)
    server.once('error', reject)
    server.listen({ host, port }, () => resolve(server))
  })
}

/** A scraper that keeps its connection open must not keep the broker from stopping. */
function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function loadApp(door: Door, log: HttpLog): Promise<FastifyInstance> {
  const { createHttp } = await import('./server.ts')
  const app = createHttp(door, log)
  await app.ready()
  return app
}

function fail(request: IncomingMessage, response: ServerResponse, err: unknown, log: HttpLog): void {
  log.error({ err, method: request.method ?? '', path: request.url ?? '' }, 'HTTP request failed')
  response.writeHead(500).end()
}
