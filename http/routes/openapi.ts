// GET /api/v1/openapi.json and /api/v1/docs: the endpoints as a program reads them, and as people do.
import { apiPage } from '../api-page.ts'
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import type { NodeView } from '../node-view.ts'
import { describeApi } from '../openapi.ts'
import type { ApiDocument } from '../openapi.ts'

/** `rows` gives all endpoints, these among them: asked when somebody asks. */
export function openapiEndpoints(rows: () => readonly Endpoint[]): readonly Endpoint[] {
  const describe = ({ productName, productVersion }: NodeView): ApiDocument =>
    describeApi(rows(), productName, productVersion)
  return [
    endpoint({
      method: 'GET', path: '/api/v1/openapi.json', access: 'anonymous',
      doc: 'This API as an OpenAPI 3.1 document.',
      handle: ({ door: { node } }) => json(describe(node)),
    }),
    endpoint({
      method: 'GET', path: '/api/v1/docs', access: 'anonymous', doc: 'This API as a page for people.',
      handle: ({ door: { node } }) => ({
        status: 200, body: apiPage(describe(node)), contentType: 'text/html; charset=utf-8',
        headers: { 'content-security-policy': 'default-src \'none\'; style-src \'unsafe-inline\'' },
      }),
    }),
  ]
}
