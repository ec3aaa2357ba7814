// What the broker runs by, over HTTP: who may see it and change it, and that no secret is in it.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await OpenHttp.start()
})

afterEach(() => http.close())

const list = async (): Promise<unknown> => (await http.call('GET', '/api/v1/settings')).json

it('every setting is listed with its value', async () => {
  expect(await list()).toContainEqual({ name: 'memory-high-watermark', value: 0.6, changeable: true })
  expect(await list()).toContainEqual({ name: 'channel-max', value: 2047, changeable: false })
})

it('a secret is masked', async () => {
  expect(await list()).toContainEqual({ name: 'default-pass', value: '********', changeable: false })
})

it('a change is in the list', async () => {
  const { status } = await http.call('PUT', '/api/v1/settings/disk-free-limit', { body: { value: 7 } })
  expect(status).toBe(204)
  expect(http.settings.current.diskFreeLimit).toBe(7)
  expect(await list()).toContainEqual({ name: 'disk-free-limit', value: 7, changeable: true })
})

it.each([
  ['memory-high-watermark', { value: -1 }, 400, 'memory-high-watermark: -1 is not a fraction from 0 to 1'],
  ['memory-high-watermark', {}, 400, 'key_missing,value'],
  ['frame-max', { value: 8192 }, 400, 'frame-max cannot be changed while the broker runs'],
  ['nope', { value: 1 }, 404, 'there is no setting nope'],
])('%s cannot be %j', async (name, body, status, reason) => {
  const answer = await http.call('PUT', `/api/v1/settings/${name}`, { body })
  expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(reason)])
})

it('is for administrators', async () => {
  expect((await http.call('GET', '/api/v1/settings', { user: 'monitor' })).status).toBe(401)
  const body = { value: 0 }
  const { status } = await http.call('PUT', '/api/v1/settings/disk-free-limit', { body, user: 'monitor' })
  expect(status).toBe(401)
})
