// Requests over real sockets: which addresses are connected to, and what becomes of connections.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Authority } from '../../test/certificates.ts'
import { PushTarget } from '../../test/http/push-target.ts'
import { HttpTarget } from './http-target.ts'

let server: PushTarget
const targets: HttpTarget[] = []

beforeEach(async () => {
  server = await PushTarget.start()
})

afterEach(async () => {
  for (const target of targets.splice(0)) target.close()
  await server.close()
})

/** Names lead to these addresses. */
function open(allowsPrivate: boolean, addresses: readonly string[] = []): HttpTarget {
  const target = addresses.length === 0 ? new HttpTarget(allowsPrivate)
    : new HttpTarget(allowsPrivate, (_name, _options, callback) => {
      callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))
    })
  targets.push(target)
  return target
}

/** The status, or the error's text. */
function post(target: HttpTarget, url: string): Promise<number | string> {
  return new Promise((resolve) => {
    target.post(url, {}, Buffer.from('x'), {
      answered: resolve, failed: (error) => resolve(error.message),
    })
  })
}

describe('an address that is private', () => {
  const of = (host: string): string => `http://${host}:${server.port}/`

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433', '0x7f.1', '127.1'])(
    'written as %s is not connected to', async (host) => {
      expect(await post(open(false), of(host))).toContain('is a private address')
      expect(server.connections).toBe(0)
    })

  test('behind a name is not connected to', async () => {
    expect(await post(open(false), of('localhost'))).toMatch(/^localhost \(.*\) is a private address; the /)
    expect(await post(open(false, ['10.1.2.3', '::1']), of('example.com')))
      .toBe('example.com (10.1.2.3) is a private address; the setting webhooks-allow-private would allow it')
    expect(server.connections).toBe(0)
  })

  test('is connected to when that is allowed', async () => {
    expect(await post(open(true), of('127.0.0.1'))).toBe(204)
    expect(await post(open(true, ['127.0.0.1']), of('example.com'))).toBe(204)
  })
})

test('a redirect is an answer, and is not followed', async () => {
  server.answer = (_pushed, n) => (n === 0 ? [307, { location: `${server.url}/elsewhere` }] : 204)
  expect(await post(open(true), `${server.url}/here`)).toBe(307)
  expect(server.pushed.map(({ path }) => path)).toEqual(['/here'])
})

test('connections are kept, and one that was given up meanwhile is no failure', async () => {
  const target = open(true)
  for (let n = 0; n < 3; n++) expect(await post(target, server.url)).toBe(204)
  expect(server.connections).toBe(1)
  server.answer = (_pushed, n) => (n === 3 ? null : 204)
  const pending = post(target, server.url)
  await expect.poll(() => server.pushed.length, { timeout: 20_000 }).toBe(4)
  server.cutConnections()
  expect(await pending).toBe(204)
  expect([server.connections, server.pushed.length]).toEqual([2, 5])
})

test('a target that is not there is a failure with a reason', async () => {
  const { url } = server
  await server.close()
  expect(await post(open(true), url)).toContain('ECONNREFUSED')
})

test('headers that HTTP cannot carry are a failure, after the call', async () => {
  const failed = await new Promise<string>((resolve) => {
    let hasReturned = false
    open(true).post(server.url, { bad: 'a\nb' }, Buffer.alloc(0), {
      answered: () => resolve('answered'), failed: ({ message }) => resolve(`${hasReturned} ${message}`),
    })
    hasReturned = true
  })
  expect(failed).toMatch(/^true Invalid character in header content/)
})

test('who aborts hears nothing more', async () => {
  server.answer = () => null
  const heard: unknown[] = []
  const exchange = open(true).post(server.url, {}, Buffer.alloc(0), {
    answered: (status) => heard.push(status), failed: (error) => heard.push(error),
  })
  await expect.poll(() => server.pushed.length, { timeout: 20_000 }).toBe(1)
  exchange.abort()
  await expect.poll(() => server.openConnections(), { timeout: 20_000 }).toBe(0)
  expect(heard).toEqual([])
})

describe('a target by https', () => {
  let folder: string
  let authority: string
  let secure: PushTarget

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'leveret-https-'))
    const ours = new Authority(folder, '/CN=authority of the tests')
    const { certificate, key } = ours.issue('/CN=target')
    authority = readFileSync(ours.files.certificate, 'utf8')
    const [cert, keyText] = [certificate, key].map((file) => readFileSync(file, 'utf8')) as [string, string]
    secure = await PushTarget.start({ cert, key: keyText })
  })

  afterAll(async () => {
    await secure.close()
    rmSync(folder, { recursive: true })
  })

  beforeEach(() => {
    secure.pushed.length = 0
  })

  const trusting = (): HttpTarget => {
    const target = new HttpTarget(true, undefined, authority)
    targets.push(target)
    return target
  }

  test('is sent to when its certificate is good, over a connection that is kept', async () => {
    const target = trusting()
    for (let n = 0; n < 3; n++) expect(await post(target, `${secure.url}/in`)).toBe(204)
    expect([secure.connections, secure.pushed.length, secure.pushed[0]!.body]).toEqual([1, 3, 'x'])
  })

  test('whose authority nobody knows is sent nothing, and the reason says why', async () => {
    expect(await post(open(true), secure.url)).toBe(
      '127.0.0.1 has a certificate that is not trusted: unable to verify the first certificate; '
      + 'NODE_EXTRA_CA_CERTS adds authorities')
    expect(secure.pushed).toEqual([])
  })

  test('whose certificate is another host\'s is sent nothing', async () => {
    expect(await post(trusting(), `https://localhost:${secure.port}/`)).toMatch(
      /^localhost has a certificate that is not trusted: Hostname\/IP does not match certificate's altnames/)
    expect(secure.pushed).toEqual([])
  })

  test('that speaks plain http is a failure with a reason', async () => {
    expect(await post(trusting(), `https://127.0.0.1:${server.port}/`))
      .toMatch(/^(?!.*not trusted).*(SSL|EPROTO)/s)
  })
})
