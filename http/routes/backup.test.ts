// The endpoint behind `leveret backup`, on a node that only remembers what it was asked.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../../test/http/open-http.ts'
import type { Reply } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await OpenHttp.start()
})

afterEach(() => http.close())

function post(body: object, user = 'hare'): Promise<Reply> {
  return http.call('POST', '/api/v1/backup', { body, user })
}

test('has the store copied, and says how large the copy is', async () => {
  const answer = await post({ file: '/backups/a.db' })
  expect([answer.status, answer.json]).toEqual([200, { file: '/backups/a.db', bytes: 4096 }])
  await post({ file: '/backups/a.db', overwrite: true })
  expect(http.node.backUps).toEqual([['/backups/a.db', false], ['/backups/a.db', true]])
})

test('is for administrators', async () => {
  expect((await post({ file: '/a.db' }, 'monitor')).status).toBe(401)
  expect(http.node.backUps).toEqual([])
})

test('that fails or is asked wrongly is 400 with a reason', async () => {
  expect((await post({ file: '/full' })).json).toEqual({ error: 'bad_request', reason: 'no room' })
  expect((await post({ overwrite: true })).status).toBe(400)
  http.node.backUp = null
  expect((await post({ file: '/a.db' })).text).toContain('the memory store has no file')
})
