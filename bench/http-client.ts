// The broker's HTTP API for the workloads that measure it: one request after the other on a connection that
// stays open, each timed from asking to the last byte. Used by workloads/. Invariant: an answer that is none
// is an error, not a fast figure.
import { percentile, time } from './workload.ts'
import type { Figure, Target } from './workload.ts'

export class HttpClient {
  private readonly url: string
  private readonly authorization: string

  constructor({ httpUrl, url }: Target) {
    if (httpUrl === null) throw new Error('the HTTP address of the broker is not known')
    const { username, password } = new URL(url)
    this.url = httpUrl
    const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    this.authorization = `Basic ${Buffer.from(login).toString('base64')}`
  }

  async call(method: string, path: string): Promise<Buffer> {
    const response = await fetch(`${this.url}${path}`, {
      method, headers: { authorization: this.authorization },
    })
    const body = Buffer.from(await response.arrayBuffer())
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${body.toString()}`)
    return body
  }
}

/** What was asked for by name, and how long each took. */
export class RequestTimes {
  private readonly client: HttpClient
  private readonly byName = new Map<string, number[]>()

  constructor(client: HttpClient) {
    this.client = client
  }

  async get(name: string, path: string): Promise<Buffer> {
    const startedAt = performance.now()
    const body = await this.client.call('GET', path)
    const samples = this.byName.get(name)
    const tookMs = performance.now() - startedAt
    if (samples === undefined) this.byName.set(name, [tookMs])
    else samples.push(tookMs)
    return body
  }

  figures(): readonly Figure[] {
    return [...this.byName].flatMap(([name, samples]) => {
      const sorted = samples.toSorted((a, b) => a - b)
      return [0.5, 0.99].map((share) => time(`${name} p${share * 100}`, percentile(sorted, share), 'ms'))
    })
  }
}

/** Repeats `round` for as long as something else goes on, and answers with what came of that. */
export async function meanwhile<T>(busy: Promise<T>, round: () => Promise<unknown>): Promise<T> {
  const over = new AbortController()
  const ended = busy.finally(() => over.abort())
  ended.catch(() => undefined) // told below, when the round that runs has ended
  while (!over.signal.aborted) await round()
  return ended
}
