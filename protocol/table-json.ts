// Field tables as JSON: how arguments are kept in the store's topology records, and the canonical form by
// which two bindings are the same. Tags stay, so that a redeclare after a restart reads the types that were
// declared.
import type { Field, FieldTable } from './table.ts'

/** `[name, tag, value]`; nested tables and arrays nest, binaries are base64, integers past 2^53 are texts. */
export type JsonPair = readonly [string, Field['tag'], JsonValue]
type JsonValue = string | number | boolean | null | JsonDecimal | readonly JsonPair[] | readonly JsonItem[]
type JsonItem = readonly [Field['tag'], JsonValue]
interface JsonDecimal { readonly scale: number; readonly digits: number }

export function tableToJson(table: FieldTable): JsonPair[] {
  return [...table].map(([name, field]) => [name, field.tag, valueToJson(field)])
}

export function tableFromJson(pairs: readonly JsonPair[]): FieldTable {
  return new Map(pairs.map(([name, tag, value]) => [name, fieldFromJson(tag, value)]))
}

/** Equal for tables with equal pairs, whatever their order at the top. */
export function canonicalTable(table: FieldTable): string {
  if (table.size === 0) return ''
  const pairs = tableToJson(table)
  pairs.sort((a, b) => (a[0] < b[0] ? -1 : 1))
  return JSON.stringify(pairs)
}

/** Equal for fields of the same tag and value. */
export function canonicalField(field: Field): string {
  return JSON.stringify([field.tag, valueToJson(field)])
}

function valueToJson(field: Field): JsonValue {
  switch (field.tag) {
    case 'x': return field.value.toString('base64')
    case 'F': return tableToJson(field.value)
    case 'A': return field.value.map((item): JsonItem => [item.tag, valueToJson(item)])
    case 'f': case 'd': return Number.isFinite(field.value) ? field.value : String(field.value)
    default: return typeof field.value === 'bigint' ? field.value.toString() : field.value
  }
}

function fieldFromJson(tag: Field['tag'], value: JsonValue): Field {
  switch (tag) {
    case 'S': return { tag, value: String(value) }
    case 'x': return { tag, value: Buffer.from(String(value), 'base64') }
    case 't': return { tag, value: value === true }
    case 'V': return { tag, value: null }
    case 'D': return { tag, value: value as JsonDecimal }
    case 'F': return { tag, value: tableFromJson(value as readonly JsonPair[]) }
    case 'A': return { tag, value: (value as readonly JsonItem[]).map(([t, v]) => fieldFromJson(t, v)) }
    case 'f': case 'd': return { tag, value: Number(value) }
    default: return { tag, value: typeof value === 'string' ? BigInt(value) : Number(value) }
  }
}
