// The HTTP door as the process opens it: the port listens at once, the library behind it is loaded by the
// first request: a broker that nobody asks over HTTP stays a quarter smaller.
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { logFailure } from './http-log.ts'
import type { HttpLog } from './http-log.ts'
import type { Door } from './node-view.ts'
import type { UpgradeListener } from './websockets.ts'

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
  /** Takes no more requests and drops those under way; WebSockets go on, for a last word. */
  stop(): void
  /** Drops everything. */
  close(): Promise<void>
}

/** Fails with Node's own error (EADDRINUSE, EACCES…) when it cannot listen. */
export async function startHttp(
  { host, port, prometheusPort, door, log }: HttpOptions,
): Promise<RunningHttp> {
  let loading: Promise<Loaded> | null = null
  const load = (): Promise<Loaded> => (loading ??= loadApp(door, log))
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    load().then(({ app }) => app.routing(request, response))
      .catch((err: unknown) => fail(request, response, err, log))
  }
  const server = await listen(host, port, answer)
  const upgraded = new Set<Duplex>()
  server.on('upgrade', (request, socket: Duplex, head) => {
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    socket.on('error', ignore) // a reset; whoever has the socket hears of its end
    load().then(({ upgrade }) => upgrade(request, socket, head)).catch((err: unknown) => {
      logFailure(log, err, request)
      socket.destroy()
    })
  })
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
    stop() {
      for (const each of [server, scraped]) if (each !== null) void stop(each)
    },
    async close() {
      for (const socket of upgraded) socket.destroy()
      await stop(server)
      if (scraped !== null) await stop(scraped)
      if (loading !== null) await (await loading).app.close()
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

const ignore = (): void => {}

/** A scraper that keeps its connection open must not keep the broker from stopping. */
function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

interface Loaded {
  readonly app: FastifyInstance
  readonly upgrade: UpgradeListener
}

async function loadApp(door: Door, log: HttpLog): Promise<Loaded> {
  const [{ createHttp }, { createWebSockets }, { Sessions }] = await Promise.all([
    import('./server.ts'), import('./websockets.ts'), import('./sessions.ts'),
  ])
  const sessions = new Sessions(door.broker)
  const app = createHttp(door, sessions, log)
  await app.ready()
  return { app, upgrade: createWebSockets(door, sessions, log) }
}

function fail(request: IncomingMessage, response: ServerResponse, err: unknown, log: HttpLog): void {
  logFailure(log, err, request)
  response.writeHead(500).end()
}
