// The page of the API: everything is on it, and nothing on it does anything.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OpenHttp } from '../test/http/open-http.ts'
import { apiPage } from './api-page.ts'
import { templateOf } from './endpoint.ts'
import { endpoints } from './endpoints.ts'
import { bodyKeys } from './openapi.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await OpenHttp.start()
})

afterAll(() => http.close())

test('has every endpoint, with its parameters and what its body may have', async () => {
  const { status, headers, text } = await http.call('GET', '/api/v1/docs', { login: false })
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  const articles = text.split('<article').slice(1)
  expect(articles).toHaveLength(endpoints.length)
  for (const row of endpoints) {
    const heading = `<b>${row.method}</b> ${templateOf(row.path)}</h3>`
    const article = articles.find((each) => each.includes(heading))
    expect([row.path, article]).toEqual([row.path, expect.any(String)])
    for (const key of bodyKeys(row)) expect(article).toContain(`<code>${key.replace('?', '')}</code>`)
    for (const [, name] of row.path.matchAll(/[:*](\w+)/g)) expect(article).toContain(`<code>${name}</code>`)
  }
})

test('leads to each of its groups', async () => {
  const { text } = await http.call('GET', '/api/v1/docs')
  const ids = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  const targets = [...text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
  expect(targets.length).toBeGreaterThan(20)
  expect(targets.filter((id) => !ids.has(id))).toEqual([])
  expect(ids.size).toBe(targets.length + endpoints.length)
})

test('has no script, loads nothing, and a browser is told so', async () => {
  const { text, headers } = await http.call('GET', '/api/v1/docs')
  expect(text).not.toMatch(/<script|src=|@import|url\(|https?:\/\/|\son\w+=/i)
  expect(headers['content-security-policy']).toBe('default-src \'none\'; style-src \'unsafe-inline\'')
})

test('shows texts as they are', () => {
  const operation = {
    'description': 'a < b & `c<d>` "e"', 'x-user-tag': '<i>', 'parameters': [],
    'responses': { 200: { description: '<b>' } },
  }
  const page = apiPage({ info: { title: '<t>', version: '1' }, paths: { '/x/<y>': { get: operation } } })
  expect(page).toContain('a &lt; b &amp; <code>c&lt;d&gt;</code> &quot;e&quot;')
  for (const raw of ['<t>', '<y>', '<i>', '<td><b>']) expect(page).not.toContain(raw)
})
