// The OpenAPI document as a page for people: one HTML file without scripts, pictures or anything from
// elsewhere. Called by routes/openapi.ts. Invariant: every text on it is escaped, whoever wrote it.
import type { ApiDocument, JsonSchema, Operation, Parameter } from './openapi.ts'

/** Leveret's own resources first: RabbitMQ's are known. */
const OWN = '/api/v1/'

const STYLE = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
nav { columns: 3 12rem; margin-bottom: 3rem } nav a { display: block }
section { margin-top: 3rem } article { border-top: 1px solid #8884; padding: .5rem 0 1rem }
h3 { font: 600 1rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
h3 b { display: inline-block; min-width: 4.5rem } code { font: .9em ui-monospace, monospace }
table { border-collapse: collapse; width: 100% } td:first-child { white-space: nowrap }
th, td { text-align: left; vertical-align: top; padding: .1rem .75rem .1rem 0; font-weight: inherit }
th { font-weight: 600 }
`

interface Placed {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

export function apiPage({ info, paths }: ApiDocument): string {
  const groups = new Map<string, Placed[]>()
  for (const [path, operations] of Object.entries(paths)) {
    const group = groupOf(path)
    const placed = Object.entries(operations).map(([method, operation]) => ({ method, path, operation }))
    groups.set(group, [...groups.get(group) ?? [], ...placed])
  }
  const inOrder = [...groups].toSorted(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
  const title = `${info.title} ${info.version}: HTTP API`
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>${STYLE}</style>
<h1>${escape(title)}</h1>
<p>For programs: <a href="/api/v1/openapi.json">openapi.json</a>. Logins are HTTP's Basic;
<code>%2F</code> in a path is the vhost <code>/</code>. What is refused answers with <code>error</code> and
<code>reason</code>.</p>
<nav>${inOrder.map(([group]) => `<a href="#${anchor(group)}">${escape(group)}</a>`).join('')}</nav>
${inOrder.map(([group, placed]) => section(group, placed)).join('\n')}
</html>
`
}

/** The resource: `/api/v1/webhooks`, `/api/queues`. */
function groupOf(path: string): string {
  const [, root, first, second] = path.split('/')
  if (root !== 'api') return `/${root}`
  return path.startsWith(OWN) ? `${OWN}${second}` : `/${root}/${first}`
}

function rank(group: string): number {
  return group.startsWith(OWN) ? 0 : group.startsWith('/api/') ? 1 : 2
}

function section(group: string, placed: readonly Placed[]): string {
  const articles = placed.map(article).join('\n')
  return `<section id="${anchor(group)}"><h2>${escape(group)}</h2>\n${articles}</section>`
}

function article({ method, path, operation }: Placed): string {
  const name = `${method} ${path}`
  const answers = Object.entries(operation.responses).toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, { description }]) => [status, '', prose(description)])
  return `<article id="${anchor(name)}"><h3><b>${escape(method.toUpperCase())}</b> ${escape(path)}</h3>
<p>${prose(operation.description)}</p><p>User: <code>${escape(operation['x-user-tag'])}</code></p>
${parameters(operation.parameters)}${body(operation)}${table('answer', answers)}</article>`
}

function parameters(given: readonly Parameter[]): string {
  return table('parameter', given.map((each) => [code(each.name), each.in, prose(each.description)]))
}

function body({ requestBody }: Operation): string {
  if (requestBody === undefined) return ''
  const { schema } = requestBody.content['application/json'] ?? {}
  if (schema === undefined) return '<p>Body: any bytes.</p>'
  const { properties = {}, required = [] } =
    schema as { properties?: Record<string, JsonSchema>; required?: string[] }
  return table('body', Object.entries(properties).map(([name, each]) =>
    [code(name), required.includes(name) ? 'required' : '', code(typeOf(each))]))
}

/** In a word or a few; what is nested deeper is in openapi.json. */
function typeOf(schema: JsonSchema): string {
  const { type, enum: words, anyOf, const: only, items, default: usual } = schema
  const after = usual === undefined ? '' : ` = ${JSON.stringify(usual)}`
  if (only !== undefined) return JSON.stringify(only)
  if (Array.isArray(words)) return words.map((word) => JSON.stringify(word)).join(' | ') + after
  if (Array.isArray(anyOf)) return [...new Set((anyOf as JsonSchema[]).map(typeOf))].join(' | ') + after
  if (type === 'array') return `${typeOf((items ?? {}) as JsonSchema)}[]${after}`
  return (typeof type === 'string' ? type : 'any') + after
}

function table(what: string, rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
  return `<table><tr><th colspan="3">${what}</th></tr>${lines.join('')}</table>\n`
}

/** What of Markdown descriptions use: code, emphasis, and links, which lead to files that are not served. */
function prose(text: string): string {
  return escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>').replaceAll(/\*([^*`]+)\*/g, '<em>$1</em>')
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
}

function code(text: string): string {
  return `<code>${escape(text)}</code>`
}

function anchor(name: string): string {
  return name.replaceAll(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '').toLowerCase()
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
