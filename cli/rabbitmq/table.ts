// Rows as RabbitMQ's tools print them: tabs between columns for scripts, JSON with an object a line, CSV.
// Called by run-tool.ts. Invariant: the default and JSON are read by scripts, so they are as RabbitMQ's,
// terms of Erlang included.

import type { ToolTable } from './tool.ts'

export const formatters = ['table', 'json', 'csv', 'pretty_table'] as const
export type Formatter = (typeof formatters)[number]

export function formatTable({ columns, rows }: ToolTable, formatter: Formatter, hasHeader: boolean): string {
  const cells = rows.map((row) => columns.map((column) => row[column]))
  if (formatter === 'json') return jsonText(columns, rows)
  if (formatter === 'csv') {
    return [columns, ...cells.map((row) => row.map(showTerm))].map((row) =>
      `${row.map(quote).join(',')}\n`).join('')
  }
  if (rows.length === 0) return ''
  const texts = [...hasHeader ? [columns] : [], ...cells.map((row) => row.map(showTerm))]
  return formatter === 'table' ? texts.map((row) => `${row.join('\t')}\n`).join('') : framed(texts, hasHeader)
}

function jsonText(columns: readonly string[], rows: ToolTable['rows']): string {
  const lines = rows.map((row) => JSON.stringify(Object.fromEntries(columns.map((column) =>
    [column, column === 'arguments' ? typedArguments(row[column]) : row[column] ?? '']))))
  return `[\n${lines.map((line, at) => `${at === 0 ? '' : ','}${line}\n`).join('')}]\n`
}

function framed(texts: readonly (readonly string[])[], hasHeader: boolean): string {
  const widths = texts[0]!.map((_, at) => Math.max(...texts.map((row) => row[at]!.length)))
  const line = (left: string, cross: string, right: string): string =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(cross)}${right}\n`
  const rows = texts.map((row) => `│ ${row.map((text, at) => text.padEnd(widths[at]!)).join(' │ ')} │\n`)
  const [first = '', ...rest] = rows
  const middle = line('├', '┼', '┤')
  return line('┌', '┬', '┐') + (hasHeader ? first + middle + rest.join(middle) : rows.join(middle))
    + line('└', '┴', '┘')
}

/** A list in brackets, arguments as `[{"k",1}]`. */
function showTerm(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return `[${value.map(showTerm).join(', ')}]`
  if (typeof value !== 'object') return String(value)
  return `[${Object.entries(value).map(([key, item]) => `{${JSON.stringify(key)},${term(item)}}`).join(',')}]`
}

function term(value: unknown): string {
  return typeof value === 'object' ? showTerm(value) : JSON.stringify(value)
}

/** `[["x-max-length","long",10]]`; AMQP's own types are not known over HTTP. */
function typedArguments(args: unknown): unknown[] {
  const types: Readonly<Record<string, string>> = { string: 'longstr', boolean: 'bool' }
  return Object.entries(args as object).map(([key, value]: [string, unknown]) => {
    if (Array.isArray(value)) return [key, 'array', value]
    if (typeof value === 'object') return [key, 'table', value]
    if (typeof value === 'number') return [key, Number.isInteger(value) ? 'long' : 'double', value]
    return [key, types[typeof value] ?? 'longstr', value]
  })
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
