// AMQP over a WebSocket of a running server: the handshake, and the end of both sides. compat-tests/clients
// plays the rest with a library for browsers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startLocalServer } from '../test/local-server.ts'
import type { RunningServer } from './server.ts'

const root = mkdtempSync(join(tmpdir(), 'leveret-websocket-'))
const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`
let server: RunningServer

beforeAll(async () => {
  server = await startLocalServer({ prometheusPort: null, dataDirectory: root })
})

/** The last test has stopped the server. */
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function open(): Promise<WebSocket> {
  const socket = new WebSocket(`${server.httpUrl.replace('http', 'ws')}/ws/amqp`, 'amqp')
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return socket
}

const message = (socket: WebSocket): Promise<Buffer> =>
  new Promise((resolve) => socket.once('message', (data: Buffer) => resolve(data)))
const closed = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.once('close', (code) => resolve(code)))

test('speaks the subprotocol amqp, and begins with connection.start', async () => {
  const socket = await open()
  expect(socket.protocol).toBe('amqp')
  socket.send(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))
  const start = await message(socket)
  expect([start[0], start.readUInt32BE(7)]).toEqual([1, (10 << 16) | 10])
  socket.close()
  await closed(socket)
})

test('takes bytes cut anywhere, and answers another protocol as over TCP', async () => {
  const socket = await open()
  socket.send(Buffer.from('AM'))
  socket.send(Buffer.from('QP\0\x01\0\0', 'latin1'))
  expect((await message(socket)).toString('latin1')).toBe('AMQP\0\0\x09\x01')
  expect(await closed(socket)).toBe(1005)
})

test('closes what is no binary message', async () => {
  const socket = await open()
  socket.send('AMQP')
  expect(await closed(socket)).toBe(1003)
})

test('a server that stops ends WebSockets of both kinds', async () => {
  const amqp = await open()
  await fetch(`${server.httpUrl}/api/queues/%2F/q`, { method: 'PUT', headers: { authorization } })
  const stream = new WebSocket(`${server.httpUrl.replace('http', 'ws')}/api/v1/ws/queues/%2F/q`, {
    headers: { authorization },
  })
  await new Promise((resolve, reject) => stream.once('open', resolve).once('error', reject))
  const both = Promise.all([closed(amqp), closed(stream)])
  await server.close()
  expect((await both)[1]).toBe(1001)
})
