// /api/parameters and /api/global-parameters: what is kept, in which shape it comes back, and what is
// refused.
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'

forEachTarget((test, target) => {
  const http = new Management(target)

  test('an operator policy is a parameter, too', async ({ name }) => {
    const [vhost, policy] = [name(), name()]
    await http.put(`/vhosts/${vhost}`)
    const path = `/parameters/operator_policy/${vhost}/${policy}`
    const value = { 'pattern': '^never$', 'definition': { 'max-length': 5 }, 'priority': 2,
      'apply-to': 'queues' }
    expect((await http.put(path, { value })).status).toBe(201)
    expect((await http.put(path, { value })).status).toBe(204)
    const shown = { component: 'operator_policy', vhost, name: policy, value }
    expect(await http.read(path)).toEqual(shown)
    expect(await http.read(`/parameters/operator_policy/${vhost}`)).toEqual([shown])
    expect(await http.read<object[]>('/parameters/operator_policy')).toContainEqual(shown)
    expect(await http.read(`/operator-policies/${vhost}/${policy}`)).toMatchObject({ priority: 2 })
    expect((await http.delete(path)).status).toBe(204)
    expect((await http.delete(path)).status).toBe(404)
    await http.delete(`/vhosts/${vhost}`)
  })

  test('limits of a vhost are a parameter, too', async ({ name }) => {
    const vhost = name()
    await http.put(`/vhosts/${vhost}`)
    const path = `/parameters/vhost-limits/${vhost}/limits`
    expect((await http.put(path, { value: { 'max-queues': 7 } })).status).toBe(201)
    expect(await http.read(path)).toEqual({
      component: 'vhost-limits', vhost, name: 'limits', value: { 'max-queues': 7 },
    })
    expect(await http.read(`/vhost-limits/${vhost}`)).toEqual([{ vhost, value: { 'max-queues': 7 } }])
    expect((await http.delete(path)).status).toBe(204)
    expect(await http.read(`/vhost-limits/${vhost}`)).toEqual([])
    await http.delete(`/vhosts/${vhost}`)
  })

  test('a component that is not there has no parameters', async () => {
    const path = '/parameters/nosuch/%2F/n'
    const { status, json } = await http.put(path, { value: {} })
    expect([status, json]).toMatchObject([400, {
      error: 'bad_request', reason: 'Validation failed\n\ncomponent nosuch not found\n',
    }])
    expect(await http.read('/parameters/nosuch')).toEqual([])
    expect(await http.read('/parameters/nosuch/%2F')).toEqual([])
    expect((await http.get(path)).status).toBe(404)
    expect((await http.delete(path)).status).toBe(404)
  })

  test('a global parameter is any JSON', async ({ name }) => {
    const path = `/global-parameters/${name('p')}`
    expect((await http.put(path, { value: { a: [1] } })).status).toBe(201)
    expect((await http.put(path, { value: 'text' })).status).toBe(204)
    expect(await http.read(path)).toMatchObject({ value: 'text' })
    expect((await http.put(path, {})).json).toMatchObject({ error: 'bad_request' })
    expect((await http.delete(path)).status).toBe(204)
    expect((await http.delete(path)).status).toBe(404)
  })
})
