// The formats of rabbitmqadmin's `-f`. Called by admin.ts. Invariant: fields of fields are columns with dots.

import { valueAt } from '../text-table.ts'

export const adminFormats = ['table', 'long', 'kvp', 'tsv', 'raw_json', 'pretty_json', 'bash'] as const
export type AdminFormat = (typeof adminFormats)[number]
export type AdminRow = Readonly<Record<string, unknown>>

/** These come first where all columns are shown. */
const promoted = ['vhost', 'name', 'type', 'source', 'destination', 'destination_type', 'routing_key']

/** Shown as they are, not field by field. */
const jsonFields = ['definition', 'value']

/** No columns: every field of the rows. */
export function formatAdminRows(
  rows: readonly AdminRow[], wanted: readonly string[], format: AdminFormat,
): string {
  if (format === 'raw_json') return `${JSON.stringify(rows)}\n`
  if (format === 'pretty_json') return `${JSON.stringify(rows, null, 2)}\n`
  if (rows.length === 0) return format === 'table' ? 'No items\n' : ''
  const columns = wanted.length > 0 ? wanted : allColumns(rows)
  const cells = rows.map((row) => columns.map((column) => textOf(valueAt(row, column))))
  switch (format) {
    case 'tsv': return [columns, ...cells].map((row) => `${row.join('\t')}\n`).join('')
    case 'bash': return `${rows.map((row) => textOf(row['name'])).join(' ')}\n`
    case 'kvp': return cells.map((row) =>
      `${row.map((text, at) => `${columns[at]}="${text}"`).join(' ')}\n`).join('')
    case 'long': return longText(columns, cells)
    case 'table': return framed(columns, cells)
  }
}

function allColumns(rows: readonly AdminRow[]): string[] {
  const names = [...new Set(rows.flatMap((row) => pathsOf(row, '')))].toSorted()
  return [...promoted.filter((name) => names.includes(name)), ...names.filter((name) =>
    !promoted.includes(name))]
}

function pathsOf(row: AdminRow, prefix: string): string[] {
  return Object.entries(row).flatMap(([key, value]) => (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
      && !jsonFields.includes(key) ? pathsOf(value as AdminRow, `${prefix}${key}.`) : shown(value, prefix
        + key)))
}

function shown(value: unknown, path: string): string[] {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
    && !Array.isArray(value)
    ? [] : [path]
}

function framed(columns: readonly string[], cells: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((row) => row[at]!.length)))
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`
  const show = (row: readonly string[]): string =>
    `| ${row.map((text, at) => text.padEnd(widths[at]!)).join(' | ')} |\n`
  const heading = columns.map((column, at) => {
    const left = Math.floor((widths[at]! - column.length) / 2)
    return column.padStart(column.length + left).padEnd(widths[at]!)
  })
  return line + show(heading) + line + cells.map(show).join('') + line
}

function longText(columns: readonly string[], cells: readonly (readonly string[])[]): string {
  const width = Math.max(...columns.map((column) => column.length))
  const rule = `${'-'.repeat(80)}\n`
  return `\n${rule}${cells.map((row) =>
    `\n${row.map((text, at) => `${columns[at]!.padStart(width)}: ${text}\n`).join('')}\n${rule}`).join('')}\n`
}

/** As Python shows them. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return String(value)
  return Array.isArray(value) ? value.map(textOf).join(' ') : JSON.stringify(value)
}
