// Rows as a table for people: a heading, columns as wide as their widest value, numbers to the right. Called
// by commands; programs get JSON instead. Invariant: one line per row, whatever a name holds.

import type { Output } from './command.ts'

export type Row = Readonly<Record<string, unknown>>

/** Columns may be dotted paths: `message_stats.publish`. */
export function tableOutput(rows: readonly Row[], columns: readonly string[]): Output {
  const isPicked = (row: Row): Row => Object.fromEntries(columns.map((path) => [path, valueAt(row, path)]))
  return { value: rows.map(isPicked), text: textTable(rows, columns) }
}

export function textTable(rows: readonly Row[], columns: readonly string[]): string {
  const cells = rows.map((row) => columns.map((column) => valueAt(row, column)))
  const texts = [columns, ...cells.map((row) => row.map(showCell))]
  const widths = columns.map((_, at) => Math.max(...texts.map((row) => row[at]!.length)))
  const isNumeric = columns.map((_, at) => cells.some((row) => typeof row[at] === 'number'))
  return texts.map((row) => `${row.map((text, at) =>
    (isNumeric[at] === true ? text.padStart(widths[at]!) : text.padEnd(widths[at]!)))
    .join('  ').trimEnd()}\n`).join('')
}

/** `name: value` lines, the values under each other. */
export function factsText(facts: Readonly<Record<string, unknown>>): string {
  const width = Math.max(...Object.keys(facts).map((name) => name.length))
  return Object.entries(facts).map(([name, value]) => `${name.padEnd(width)}  ${showCell(value)}\n`).join('')
}

export function valueAt(row: Row, path: string): unknown {
  if (Object.hasOwn(row, path)) return row[path]
  let value: unknown = row
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Row)[key]
  }
  return value
}

function showCell(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'object') {
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',')
    return Object.keys(value).length === 0 ? '' : JSON.stringify(value)
  }
  // A name may hold a line break, and a terminal would obey what follows an escape.
  return String(value).replaceAll(/\p{Cc}/gu, (char) => `\\x${hexOf(char)}`)
}

function hexOf(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, '0')
}
