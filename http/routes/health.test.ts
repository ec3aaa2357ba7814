// Health checks that a broker can fail: what a limit of connections does to those that ask about it.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ConnectionView } from '../../broker/connection-view.ts'
import { OpenHttp } from '../../test/http/open-http.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await OpenHttp.start()
})

afterEach(() => http.close())

const checks = ['ready-to-serve-clients', 'is-in-service', 'below-node-connection-limit']

function statuses(): Promise<number[]> {
  return Promise.all(checks.map(async (name) =>
    (await http.call('GET', `/api/health/checks/${name}`, { login: false })).status))
}

test('a node that is full is in service, and not ready to serve another client', async () => {
  Object.assign(http.broker.limits, { connectionMax: 1 })
  expect(await statuses()).toEqual([200, 200, 200])
  http.broker.connections.add({ vhost: null } as ConnectionView)
  expect(await statuses()).toEqual([503, 200, 503])
  const { json } = await http.call('GET', '/api/health/checks/below-node-connection-limit')
  expect(json).toEqual({ status: 'failed', reason: 'node connection limit is reached' })
})
