// Sends requests to where somebody said, and to no address that the broker should not reach: names are
// resolved here, at the time of each connection, and what is connected to is what was checked, so that a name
// that changes its address gains nothing. Redirects are answers like others. One per broker, so that
// connections are kept and shared.
import { lookup as systemLookup } from 'node:dns'
import type { LookupAddress, LookupOptions } from 'node:dns'
import { Agent, request as requestHttp } from 'node:http'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Agent as SecureAgent } from 'node:https'
import { isIP } from 'node:net'
import type { LookupFunction } from 'node:net'
import { isPrivateAddress } from './private-addresses.ts'

/** Of an answer's body, which nobody reads; a longer one costs its connection. */
const ANSWER_BYTES_MAX = 64 * 1024
/** A connection that nobody used for so long is closed. */
const IDLE_MS = 30_000

/** Is told once, never from within `post`. */
export interface AnswerListener {
  /** The answer is complete, or as much of it as there will be. */
  answered(status: number, retryAfter: string | undefined): void
  failed(error: Error): void
}

type Lookup = (
  hostname: string, options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

export class HttpTarget {
  private readonly options: RequestOptions
  private readonly authority: string | undefined
  private readonly plain: Agent
  /** Null until the first target by https, which loads TLS. */
  private secure: SecureAgent | null = null
  private readonly allowsPrivate: boolean

  /** `authority`: a certificate in PEM that is trusted instead of Node's and NODE_EXTRA_CA_CERTS'. */
  constructor(allowsPrivate: boolean, lookup: Lookup = systemLookup, authority?: string) {
    this.allowsPrivate = allowsPrivate
    this.authority = authority
    this.plain = new Agent({ keepAlive: true, timeout: IDLE_MS })
    this.options = { method: 'POST', lookup: allowsPrivate ? allOf(lookup) : publicOf(lookup) }
  }

  post(
    url: string, headers: Readonly<Record<string, string>>, body: Buffer, listener: AnswerListener,
  ): Exchange {
    return new Exchange((answered) => this.open(new URL(url), headers, answered), body, listener)
  }

  /** Drops every connection. */
  close(): void {
    this.plain.destroy()
    this.secure?.destroy()
  }

  /** Errors: AddressRefused; Node's for headers that cannot be. */
  private open(
    url: URL, headers: Readonly<Record<string, string>>, answered: (answer: IncomingMessage) => void,
  ): ClientRequest {
    this.check(url)
    const options = { ...this.options, headers }
    if (url.protocol !== 'https:') return requestHttp(url, { ...options, agent: this.plain }, answered)
    const { Agent: SecureAgent, request: requestHttps } = process.getBuiltinModule('node:https')
    this.secure ??= new SecureAgent({ keepAlive: true, timeout: IDLE_MS, ca: this.authority })
    return requestHttps(url, { ...options, agent: this.secure }, answered)
  }

  /** An address in the place of a name is not looked up. Errors: AddressRefused. */
  check(url: URL): void {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (!this.allowsPrivate && isIP(host) !== 0 && isPrivateAddress(host)) throw new AddressRefused(host)
  }
}

/** One request, and its second try on a connection that the other side had given up meanwhile. */
export class Exchange {
  private readonly open: (answered: (answer: IncomingMessage) => void) => ClientRequest
  private readonly body: Buffer
  private readonly listener: AnswerListener
  private request: ClientRequest | null = null
  private hasAnswer = false
  private isOver = false

  constructor(
    open: (answered: (answer: IncomingMessage) => void) => ClientRequest, body: Buffer,
    listener: AnswerListener,
  ) {
    this.open = open
    this.body = body
    this.listener = listener
    this.send()
  }

  /** Nobody is told of anything any more. */
  abort(): void {
    this.isOver = true
    this.request?.destroy()
  }

  private send(): void {
    try {
      const request = this.request = this.open((answer) => this.read(answer))
      request.once('error', (error: NodeJS.ErrnoException) => {
        request.on('error', ignore)
        if (this.isOver || this.hasAnswer) return
        if (request.reusedSocket && error.code === 'ECONNRESET') this.send()
        else this.fail(isCertificateRefused(request) ? new CertificateRefused(request.host, error) : error)
      })
      request.end(this.body)
    } catch (error) {
      setImmediate(() => this.fail(error as Error))
    }
  }

  /** The status counts, whatever becomes of the rest. */
  private read(answer: IncomingMessage): void {
    this.hasAnswer = true
    let bytes = 0
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX) answer.destroy()
    })
    answer.on('error', ignore)
    answer.once('close', () => {
      if (this.isOver) return
      this.isOver = true
      this.listener.answered(answer.statusCode ?? 0, answer.headers['retry-after'])
    })
  }

  private fail(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.listener.failed(error)
  }
}

export class AddressRefused extends Error {
  override name = 'AddressRefused'

  constructor(address: string) {
    super(`${address} is a private address; the setting webhooks-allow-private would allow it`)
  }
}

/** It was a secure socket's, which says so of itself. */
function isCertificateRefused({ socket }: ClientRequest): boolean {
  return socket !== null && 'authorizationError' in socket && socket.authorizationError !== null
}

class CertificateRefused extends Error {
  override name = 'CertificateRefused'

  constructor(host: string, { message }: Error) {
    super(`${host} has a certificate that is not trusted: ${message}; NODE_EXTRA_CA_CERTS adds authorities`)
  }
}

/** What of a name's addresses is public. Errors: AddressRefused when nothing is. */
function publicOf(lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const allowed = (addresses ?? []).filter(({ address }) => !isPrivateAddress(address))
      if (error !== null) callback(error, [])
      else if (allowed.length > 0) answerLookup(allowed, options, callback)
      else callback(new AddressRefused(`${hostname} (${addresses[0]?.address})`), [])
    })
  }
}

function allOf(lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error === null) answerLookup(addresses, options, callback)
      else callback(error, [])
    })
  }
}

/** Node asks for one address, or for all to try them in turn. */
function answerLookup(
  addresses: LookupAddress[], { all }: LookupOptions, callback: Parameters<LookupFunction>[2],
): void {
  const [first] = addresses
  if (all === true) callback(null, addresses)
  else callback(null, first!.address, first!.family)
}

const ignore = (): void => {}
