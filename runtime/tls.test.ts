// The TLS listener over real sockets: who is let in with which certificate, whose name is taken from it, and
// which files stop a start.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { connect, credentials } from 'amqplib'
import type { ChannelModel } from 'amqplib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { resolveSettings } from '../broker/config-sources.ts'
import { Authority } from '../test/certificates.ts'
import type { CertificateFiles } from '../test/certificates.ts'
import type { Logger } from './log.ts'
import { startServer } from './server.ts'
import type { RunningServer } from './server.ts'

const silent: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} }
const external = credentials.external()

let folder = ''
let authority: Authority
let serverFiles: CertificateFiles
let guest: CertificateFiles
let stranger: CertificateFiles
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'leveret-tls-'))
  authority = new Authority(folder, '/CN=test authority')
  serverFiles = authority.issue('/CN=test server')
  guest = authority.issue('/O=Leveret, Ltd/CN=guest')
  stranger = new Authority(folder, '/CN=another authority').issue('/CN=guest stranger')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let server: RunningServer | null = null
const clients: ChannelModel[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.removeAllListeners().on('error', () => {})
  await server?.close()
  server = null
})

async function start(...flags: string[]): Promise<RunningServer> {
  const argv = [
    '--store', 'memory', '--host', '127.0.0.1', '--amqp-port', '0', '--http-port', '0', '--tls-port', '0',
    '--tls-certificate', serverFiles.certificate, '--tls-key', serverFiles.key, ...flags,
  ]
  const resolved = resolveSettings({ argv, env: {}, fileText: null, fileName: null, packageVersion: '0' })
  if (!resolved.ok) throw new Error(resolved.problems.join())
  server = await startServer(resolved.settings, silent)
  return server
}

const verifying = (): string[] => ['--tls-verify', 'peer', '--tls-ca', authority.files.certificate]

async function login(
  files: CertificateFiles | null,
  who: { mechanism: string; response(): Buffer } = credentials.plain('guest', 'guest'),
): Promise<ChannelModel> {
  const ca = [readFileSync(authority.files.certificate)]
  const own = files === null ? {} : { cert: readFileSync(files.certificate), key: readFileSync(files.key) }
  const client = await connect(server!.amqpsUrl!, { ca, ...own, credentials: who })
  client.on('error', () => {})
  clients.push(client)
  return client
}

/** A message through the broker and back. */
async function roundTrip(client: ChannelModel): Promise<string> {
  const channel = await client.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  channel.sendToQueue(queue, Buffer.alloc(200_000, 'x'))
  await channel.waitForConfirms()
  const message = await channel.get(queue, { noAck: true })
  return message === false ? '' : `${message.content.length} bytes`
}

describe('without tls-verify', () => {
  it('a client logs in by name and password, and messages pass', async () => {
    await start()
    expect(await roundTrip(await login(null))).toBe('200000 bytes')
  })

  it('TLS 1.1 is refused', async () => {
    await start()
    const port = Number(new URL(server!.amqpsUrl!).port)
    const socket = connectTls({ port, host: '127.0.0.1', maxVersion: 'TLSv1.1', minVersion: 'TLSv1',
      rejectUnauthorized: false, ciphers: 'DEFAULT:@SECLEVEL=0' })
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve))
    expect(error.message).toMatch(/protocol version|unsupported protocol/i)
  })

  it('a certificate is not looked at: there is no EXTERNAL', async () => {
    await start()
    await expect(login(guest, external)).rejects.toThrow('EXTERNAL is not provided by the server')
  })
})

describe('with tls-verify peer', () => {
  it('a client without a certificate logs in as it did, unless one is needed', async () => {
    await start(...verifying())
    expect(await roundTrip(await login(null))).toBe('200000 bytes')
    await server!.close()
    await start(...verifying(), '--tls-fail-if-no-peer-cert', 'true')
    await expect(login(null)).rejects.toThrow('certificate required')
    expect(await roundTrip(await login(guest))).toBe('200000 bytes')
  })

  it.each(['false', 'true'])('another authority\'s certificate is refused (needed: %s)', async (isNeeded) => {
    await start(...verifying(), '--tls-fail-if-no-peer-cert', isNeeded)
    await expect(login(stranger)).rejects.toThrow(/closed|reset|alert/i)
  })

  it('a client logs in by EXTERNAL with the common name of its certificate', async () => {
    await start(...verifying(), '--tls-cert-login-from', 'common_name')
    expect(await roundTrip(await login(guest, external))).toBe('200000 bytes')
  })

  it('a client logs in by EXTERNAL with the distinguished name, as RFC 2253 writes it', async () => {
    const name = String.raw`CN=guest,O=Leveret\, Ltd`
    await start(...verifying(), '--default-user', name)
    expect(await roundTrip(await login(guest, external))).toBe('200000 bytes')
  })

  it('a certificate without a user is refused, with a reason', async () => {
    await start(...verifying())
    await expect(login(guest, external))
      .rejects.toThrow('Login was refused using authentication mechanism EXTERNAL')
  })
})

describe('a start', () => {
  it('tells where TLS listens', async () => {
    const { amqpsUrl, httpUrl } = await start()
    expect(amqpsUrl).toMatch(/^amqps:\/\/127\.0\.0\.1:\d+$/)
    const answer = await fetch(`${httpUrl}/api/overview`, {
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    })
    const { listeners } = await answer.json() as { listeners: { protocol: string; port: number }[] }
    expect(listeners.map(({ protocol, port }) => [protocol, port]))
      .toContainEqual(['amqp/ssl', Number(new URL(amqpsUrl!).port)])
  })

  it('without TLS has no such address', async () => {
    const { amqpsUrl } = await start('--tls-port', 'none')
    expect(amqpsUrl).toBeNull()
  })

  it('fails on a file that is not there, one that is no PEM, and a key of another certificate', async () => {
    const noPem = join(folder, 'no.pem')
    writeFileSync(noPem, 'nothing\n')
    await expect(start('--tls-key', join(folder, 'missing'))).rejects.toThrow(/^tls-key: ENOENT/)
    for (const flags of [['--tls-certificate', noPem], ['--tls-key', guest.key]]) {
      await expect(start(...flags)).rejects.toThrow('tls-certificate, tls-key and tls-ca do not go together')
    }
  })
})
