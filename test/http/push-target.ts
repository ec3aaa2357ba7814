// Where webhooks push to in tests: an HTTP server on this machine that keeps what it was sent and answers as
// it is told.
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type {
  IncomingHttpHeaders, IncomingMessage, RequestListener, Server, ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Pushed {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** PEM. */
export interface PushTargetTls {
  readonly cert: string
  readonly key: string
}

export class PushTarget {
  readonly pushed: Pushed[] = []
  /** Connections so far. */
  connections = 0
  port = 0
  /** Answers the nth request, from 0; null keeps it waiting. */
  answer: (pushed: Pushed, n: number) => number | readonly [number, Record<string, string>] | null = () => 204
  private readonly isSecure: boolean
  private readonly server: Server
  private readonly waiting: ServerResponse[] = []

  private constructor(tls: PushTargetTls | null) {
    const take: RequestListener = (request, response) => void this.take(request, response)
    this.isSecure = tls !== null
    this.server = tls === null ? createServer(take) : createSecureServer(tls, take)
    this.server.on('connection', () => this.connections++)
  }

  static start(tls: PushTargetTls | null = null): Promise<PushTarget> {
    const target = new PushTarget(tls)
    return new Promise((resolve) => {
      target.server.listen(0, '127.0.0.1', () => {
        target.port = (target.server.address() as AddressInfo).port
        resolve(target)
      })
    })
  }

  get url(): string {
    return `${this.isSecure ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  bodies(): string[] {
    return this.pushed.map(({ body }) => body)
  }

  /** Those that wait get this. */
  release(status: number): void {
    for (const response of this.waiting.splice(0)) response.writeHead(status).end()
  }

  cutConnections(): void {
    this.server.closeAllConnections()
  }

  openConnections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return // cut off: it did not arrive
    }
    const { method = '', url: path = '', headers } = request
    const pushed = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') }
    const answer = this.answer(pushed, this.pushed.push(pushed) - 1)
    if (answer === null) {
      this.waiting.push(response)
      return
    }
    const [status, answerHeaders] = typeof answer === 'number' ? [answer, {}] : answer
    response.writeHead(status, answerHeaders).end('whatever')
  }
}
