// The management API of a broker under test: requests as its administrator, and the shape of what comes back.
// Used by the http-* test files.
import { noteRequest } from './asked-endpoints.ts'
import type { Target } from './target.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Null when the body is empty or no JSON. */
  readonly json: unknown
}

export interface Call {
  readonly body?: object | string
  readonly headers?: Record<string, string>
  /** Null sends no credentials. */
  readonly login?: readonly [string, string] | null
}

export class Management {
  private readonly target: Target

  constructor(target: Target) {
    this.target = target
  }

  /** `path` begins after `/api`, percent-encoded. */
  async call(method: string, path: string, { body, headers, login }: Call = {}): Promise<Reply> {
    const { user, password, httpUrl } = this.target
    if (httpUrl === null) throw new Error(`${this.target.label} has no management API that is known`)
    noteRequest(method, path)
    const credentials = login === undefined ? [user, password] : login
    const response = await fetch(`${httpUrl}/api${path}`, {
      method,
      headers: {
        ...credentials !== null
          && { authorization: `Basic ${Buffer.from(credentials.join(':')).toString('base64')}` },
        ...headers,
      },
      ...body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) },
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: parse(text) }
  }

  readonly get = (path: string): Promise<Reply> => this.call('GET', path)
  readonly put = (path: string, body: object | string = {}): Promise<Reply> => this.call('PUT', path,
    { body })
  readonly post = (path: string, body: object | string = {}): Promise<Reply> => this.call('POST', path,
    { body })
  readonly delete = (path: string): Promise<Reply> => this.call('DELETE', path)

  /** What a GET of an existing thing answers. */
  async read<T = Record<string, unknown>>(path: string): Promise<T> {
    const { status, json, text } = await this.get(path)
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${text}`)
    return json as T
  }
}

/** Keys and types, `key.key: type`, in order; of an array the first item counts. */
export function shapeOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [`${at}: []`] : shapeOf(value[0], `${at}[]`)
  if (typeof value !== 'object' || value === null) return [`${at}: ${value === null ? 'null' : typeof value}`]
  const entries = Object.entries(value)
  if (entries.length === 0) return [`${at}: {}`]
  return entries.flatMap(([key, item]) => shapeOf(item, at === '' ? key : `${at}.${key}`)).toSorted()
}

function parse(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return null
  }
}
