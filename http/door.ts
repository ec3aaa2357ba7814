// The HTTP door as the process opens it: the port listens at once, the library behind it is loaded right
// after, so that starting does not wait for it (85 of 470 ms, 2026-11). A request that comes earlier waits
// those milliseconds.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { BrokerView } from './broker-view.ts'
import type { HttpLog } from './http-log.ts'

export interface HttpOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly view: BrokerView
  readonly log: HttpLog
}

export interface RunningHttp {
  readonly url: string
  close(): Promise<void>
}

/** Fails with Node's own error (EADDRINUSE, EACCES…) when it cannot listen. */
export async function startHttp({ host, port, view, log }: HttpOptions): Promise<RunningHttp> {
  let loading: Promise<FastifyInstance> | null = null
  const load = (): Promise<FastifyInstance> => (loading ??= loadApp(view, log))
  const server = createServer((request, response) => {
    load().then((app) => app.routing(request, response), (err: unknown) => fail(request, response, err, log))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  })
  setImmediate(() => {
    load().catch((err: unknown) => log.error({ err, method: '', path: '' }, 'the HTTP library did not load'))
  })
  const shownHost = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shownHost}:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      // A scraper that keeps its connection open must not keep the broker from stopping.
      server.closeAllConnections()
      await closed
      await (await load()).close()
    },
  }
}

async function loadApp(view: BrokerView, log: HttpLog): Promise<FastifyInstance> {
  const { createHttp } = await import('./server.ts')
  const app = createHttp(view, log)
  await app.ready()
  return app
}

function fail(request: IncomingMessage, response: ServerResponse, err: unknown, log: HttpLog): void {
  log.error({ err, method: request.method ?? '', path: request.url ?? '' }, 'HTTP request failed')
  response.writeHead(500).end()
}
