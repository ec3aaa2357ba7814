// GET /api/v1/openapi.json: the endpoints as a program reads them.
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { describeApi } from '../openapi.ts'

/** `rows` gives all endpoints, this one among them: asked when somebody asks. */
export const openapiEndpoints = (rows: () => readonly Endpoint[]): readonly Endpoint[] => [
  endpoint({
    method: 'GET', path: '/api/v1/openapi.json', access: 'anonymous',
    doc: 'This API as an OpenAPI 3.1 document.',
    handle: ({ door: { node } }) => json(describeApi(rows(), node.productName, node.productVersion)),
  }),
]
