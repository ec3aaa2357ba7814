// The broker as commands see it: RabbitMQ's management API over Node's own fetch. Used by the rows in
// commands/ and shims/. Invariant: every failure becomes a CommandFailed or a Refused that names the broker
// and says what can be done; a password appears in none.

import { CommandFailed } from './command-failed.ts'

/** The broker answered, and the answer was no. */
export class Refused extends CommandFailed {
  override name = 'Refused'
  readonly status: number
  /** The broker's own words. */
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(status === 401 ? 'noPermission' : 'notSo', message)
    this.status = status
    this.reason = reason
  }
}

export class BrokerClient {
  readonly url: string
  readonly user: string
  private readonly password: string

  /** `url` is that of the HTTP door, without a path. */
  constructor(url: string, user: string, password: string) {
    this.url = url
    this.user = user
    this.password = password
  }

  get<T>(path: string): Promise<T> {
    return this.call('GET', path) as Promise<T>
  }

  put(path: string, body: object = {}): Promise<unknown> {
    return this.call('PUT', path, body)
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return this.call('POST', path, body) as Promise<T>
  }

  delete<T>(path: string): Promise<T> {
    return this.call('DELETE', path) as Promise<T>
  }

  /** A body that is text, in pieces as they come. Errors: as `get`. */
  async *read(path: string): AsyncGenerator<string> {
    const response = await this.ask('GET', path)
    if (!response.ok) throw this.refused(path, response.status, await response.text())
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) yield decoder.decode(bytes, { stream: true })
  }

  /** As `post`, with a body that is no JSON object. */
  async postText<T>(path: string, text: string): Promise<T> {
    const response = await this.ask('POST', path, { text, type: 'text/plain' })
    const answer = await response.text()
    if (!response.ok) throw this.refused(path, response.status, answer)
    return JSON.parse(answer) as T
  }

  /** The decoded answer; null for an empty one. What is not healthy (503) is told like anything else. */
  private async call(method: string, path: string, body?: object): Promise<unknown> {
    const sent = body === undefined ? null : { text: JSON.stringify(body), type: 'application/json' }
    const response = await this.ask(method, path, sent)
    const text = await response.text()
    if (response.ok) return text === '' ? null : JSON.parse(text)
    if (response.status === 503) return JSON.parse(text)
    throw this.refused(path, response.status, text)
  }

  /** `path` begins with a slash after `/api`, percent-encoded. Errors: CommandFailed. */
  private ask(
    method: string, path: string, body: { readonly text: string; readonly type: string } | null = null,
  ): Promise<Response> {
    const login = Buffer.from(`${this.user}:${this.password}`).toString('base64')
    return fetch(this.addressOf(path), {
      method, headers: { authorization: `Basic ${login}`, ...body !== null && { 'content-type': body.type } },
      ...body !== null && { body: body.text },
    }).catch((error: unknown) => {
      throw new CommandFailed('unavailable', `the broker at ${this.url} cannot be asked (${causeOf(error)}): `
        + 'is it running? --url names its HTTP address')
    })
  }

  private refused(path: string, status: number, answer: string): Refused {
    const reason = reasonOf(answer)
    const broker = `the broker at ${this.url}`
    if (status === 401) {
      const why = reason || 'wrong credentials'
      return new Refused(status, reason, `${broker} refused user '${this.user}' (401): ${why}`)
    }
    // RabbitMQ's answer does not say what was not found.
    const what = status === 404 ? `: /api${path.replace(/\?.*/s, '')}` : ''
    return new Refused(status, reason, `${broker} refused (${status}): ${reason || 'no reason given'}${what}`)
  }

  private addressOf(path: string): URL {
    try {
      return new URL(`/api${path}`, this.url)
    } catch {
      throw new CommandFailed('usage', `url: ${JSON.stringify(this.url)} is not an http or https address`)
    }
  }
}

/** A path of names, each percent-encoded. */
export function pathOf(...names: readonly string[]): string {
  return names.map((name) => `/${encodeURIComponent(name)}`).join('')
}

function reasonOf(text: string): string {
  try {
    const { reason } = JSON.parse(text) as { reason?: unknown }
    return typeof reason === 'string' ? reason : JSON.stringify(reason ?? '')
  } catch {
    return text.slice(0, 200)
  }
}

/** Node's fetch says "fetch failed" and keeps the why. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause ?? error : error
  const code = (cause as { code?: unknown }).code
  if (typeof code === 'string') return code
  return cause instanceof Error ? cause.message : String(cause)
}
