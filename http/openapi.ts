// The endpoints as an OpenAPI 3.1 document, derived from the same rows as the routes, so that it cannot be
// wrong about a path, a parameter or a body. Called by routes/openapi.ts, and by api-page.ts for people.
import { z } from 'zod'
import { paramsOf, templateOf } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { anyBytes, formFields } from './schemas.ts'

/** The parameters of every list, of paged ones, and of everything that is read. */
const listParameters = {
  sort: 'Dotted path of the field to sort by; what lacks it comes first.',
  sort_reverse: '`true`: descending.',
}
const pageParameters = {
  page: 'From 1: answers a page object instead of an array.',
  page_size: '1 to 500, 100 when not given; counts only with `page`.',
  name: 'Part of the name, in any case; counts only with `page`.',
  use_regex: '`true`: `name` is a regular expression.',
}
const columns = { columns: 'Dotted paths of the wanted fields, with commas between them.' }

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly description: string
}

export interface Operation {
  readonly description: string
  readonly 'x-user-tag': string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: JsonSchema }>> }
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}

export type JsonSchema = Readonly<Record<string, unknown>>

export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string }
  /** By path and lower-case method. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

export function describeApi(rows: readonly Endpoint[], title: string, version: string): ApiDocument {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const row of rows) {
    const path = templateOf(row.path)
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: describe(row) }
  }
  const error = { type: 'object', properties: { error: { type: 'string' }, reason: { type: 'string' } } }
  const document = {
    openapi: '3.1.0',
    info: { title, version },
    paths,
    components: { schemas: { error }, securitySchemes: { basic: { type: 'http', scheme: 'basic' } } },
  }
  return document
}

function describe(row: Endpoint): Operation {
  const operation = {
    description: row.doc,
    security: row.access === 'anonymous' ? [] : [{ basic: [] }],
    'x-user-tag': row.access,
    parameters: [
      ...paramsOf(row.path).map((name) => parameter(name, 'path', 'Percent-encoded: `/` is `%2F`.')),
      ...Object.entries(queryOf(row)).map(([name, doc]) => parameter(name, 'query', doc)),
    ],
    ...row.body !== undefined && {
      requestBody: { content: contentOf(row.body) },
    },
    responses: responsesOf(row),
  }
  return operation
}

function contentOf(body: z.ZodType): NonNullable<Operation['requestBody']>['content'] {
  if (body === anyBytes) return { '*/*': {} }
  const type = body === formFields ? 'application/x-www-form-urlencoded' : 'application/json'
  return { [type]: { schema: jsonSchema(body) } }
}

/** What surrounds a handler (server.ts) answers by itself; what a handler answers is in its description. */
function responsesOf({ access, path, query, body, list }: Endpoint): Operation['responses'] {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/error' } } }
  const refused = (description: string): object => ({ description, content })
  const takesInput = (query ?? body) !== undefined || list === 'paged'
  const responses = {
    '2XX': { description: 'Done.' },
    ...takesInput && { 400: refused('The query or the body does not fit.') },
    ...access !== 'anonymous' && { 401: refused('No login, a wrong one, or one without the right to it.') },
    ...path.includes(':vhost') && { 404: refused('No such vhost, or none that the user may enter.') },
    '4XX': refused('Refused; nothing was changed.'),
  }
  return responses as Operation['responses']
}

/** The keys that a body may have, a `?` after those that may be absent. */
export function bodyKeys({ body }: Endpoint): string[] {
  if (body === undefined || body === anyBytes) return []
  const { properties = {}, required = [] } = jsonSchema(body) as { properties?: object; required?: string[] }
  return Object.keys(properties).map((key) => (required.includes(key) ? key : `${key}?`))
}

function queryOf(row: Endpoint): Record<string, string> {
  const own = row.query === undefined ? {} : jsonSchema(row.query)['properties'] as object
  return {
    ...Object.fromEntries(Object.keys(own).map((name) => [name, ''])),
    ...row.list === 'paged' && pageParameters, ...row.list !== undefined && listParameters,
    ...row.method === 'GET' && row.access !== 'anonymous' && columns,
  }
}

function parameter(name: string, place: 'path' | 'query', description: string): Parameter {
  const described = { name, in: place, required: place === 'path', description, schema: { type: 'string' } }
  return described
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return rest
}
