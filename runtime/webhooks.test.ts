// Webhooks of a real server over restarts, on SQLite (dist/ must be built).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PushTarget } from '../test/http/push-target.ts'
import { startLocalServer } from '../test/local-server.ts'
import type { RunningServer } from './server.ts'

const generous = { timeout: 20_000 }

let root = ''
let server: RunningServer | null = null
let target: PushTarget

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'leveret-webhooks-'))
  target = await PushTarget.start()
})

afterEach(async () => {
  await server?.close()
  await target.close()
  rmSync(root, { recursive: true, force: true })
})

async function start(): Promise<void> {
  server = await startLocalServer({
    store: 'sqlite', dataDirectory: join(root, 'data'), webhooksAllowPrivate: true,
  })
}

async function restart(): Promise<void> {
  await server!.close()
  await start()
}

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${server!.httpUrl}${path}`, {
    method, headers: { authorization: `Basic ${btoa('guest:guest')}` },
    ...body !== undefined && { body: JSON.stringify(body) },
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
  const text = await answer.text()
  return text === '' ? null : JSON.parse(text)
}

async function push(): Promise<void> {
  await ask('PUT', '/api/queues/%2F/q', { durable: true })
  await ask('PUT', '/api/v1/webhooks/%2F/hook', { queue: 'q', url: target.url, secret: 'kept on the disk' })
  await ask('POST', '/api/v1/publish/%2F/amq.default', [{ routing_key: 'q', body: 'x' }])
  await expect.poll(() => target.bodies(), generous).toEqual(['x'])
}

const webhook = (): Promise<unknown> => ask('GET', '/api/v1/webhooks/%2F/hook')

it('a webhook is there again after a restart, and pushes what was not acked', async () => {
  target.answer = (_pushed, n) => (n === 0 ? 500 : 200)
  await start()
  await push()
  await expect.poll(webhook, generous).toMatchObject({ state: 'resting' })
  await restart()
  await expect.poll(() => target.bodies(), generous).toEqual(['x', 'x'])
  expect(target.pushed[1]!.headers['x-leveret-signature']).toMatch(/^t=\d+,v1=[\da-f]{64}$/)
  await expect.poll(webhook, generous).toMatchObject({ state: 'running', delivered: 1 })
})

it('a stop waits for a request that is under way', async () => {
  target.answer = () => null
  await start()
  await push()
  const stopped = server!.close()
  await expect(fetch(server!.httpUrl)).rejects.toThrow('fetch failed')
  target.release(200)
  await stopped
  target.answer = () => 200
  await start()
  expect(await webhook()).toMatchObject({ state: 'running' })
  expect(await ask('GET', '/api/queues/%2F/q')).toMatchObject({ messages: 0 })
  expect(target.bodies()).toEqual(['x'])
})

it('a stop does not wait for ever, and what was under way is pushed again', async () => {
  target.answer = () => null
  await start()
  await push()
  await server!.close()
  target.answer = () => 200
  await start()
  await expect.poll(() => target.bodies(), generous).toEqual(['x', 'x'])
  expect(target.pushed[1]!.headers['x-leveret-attempt']).toBe('2')
})
