// Field tables as the JSON that people and RabbitMQ's tools write: plain values, without the types on the
// wire. Used where arguments come in or go out over HTTP and in definitions files; table-json.ts is the form
// that keeps the types. Integers become 64-bit, as RabbitMQ makes them; widths make no difference to anybody.
import type { Field, FieldTable } from './table.ts'

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain }

export function tableToPlain(table: FieldTable): { [name: string]: Plain } {
  return Object.fromEntries([...table].map(([name, field]) => [name, fieldToPlain(field)]))
}

export function tableFromPlain(values: { readonly [name: string]: Plain }): FieldTable {
  return new Map(Object.entries(values).map(([name, value]) => [name, fieldFromPlain(value)]))
}

function fieldToPlain(field: Field): Plain {
  switch (field.tag) {
    case 'x': return field.value.toString('utf8')
    case 'F': return tableToPlain(field.value)
    case 'A': return field.value.map(fieldToPlain)
    case 'D': return field.value.digits / 10 ** field.value.scale
    default: return typeof field.value === 'bigint' ? Number(field.value) : field.value
  }
}

function fieldFromPlain(value: Plain): Field {
  if (value === null) return { tag: 'V', value }
  if (typeof value === 'string') return { tag: 'S', value }
  if (typeof value === 'boolean') return { tag: 't', value }
  if (typeof value === 'number') return { tag: Number.isInteger(value) ? 'l' : 'd', value }
  if (isList(value)) return { tag: 'A', value: value.map(fieldFromPlain) }
  return { tag: 'F', value: tableFromPlain(value) }
}

function isList(value: object): value is readonly Plain[] {
  return Array.isArray(value)
}
