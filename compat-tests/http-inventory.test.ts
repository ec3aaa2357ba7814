// Every path of the management API, and what may be done there: which methods a refusal allows. What Leveret
// has not got it does not allow, or says so by 501 or 404.
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import { httpInventory } from './http-inventory.ts'

/** RabbitMQ answers these two everywhere. */
const EVERYWHERE = ['HEAD', 'OPTIONS']

forEachTarget((test, target) => {
  const http = new Management(target)

  for (const path of new Set(httpInventory.map((row) => row.path))) {
    test(`what may be done at ${path}`, async ({ differs }) => {
      const rows = httpInventory.filter((row) => row.path === path)
      const isMissing = rows.some(({ missing }) => missing !== undefined) && differs('http-missing')
      const expected = rows.filter(({ missing }) => !isMissing || missing === undefined)
        .flatMap(({ methods }) => methods.split(' '))
      const url = path.replaceAll('{vhost}', '%2F').replaceAll(/\{\w+\}/g, 'x')
      const { status, headers } = await http.call('PATCH', url)
      const allowed = (headers.get('allow') ?? '').split(', ').filter((each) => !EVERYWHERE.includes(each))
      if (expected.length === 0) expect([404, 501]).toContain(status)
      else expect([status, allowed.toSorted()]).toEqual([405, expected.toSorted()])
    })
  }
}, ({ httpUrl }) => httpUrl !== null)
