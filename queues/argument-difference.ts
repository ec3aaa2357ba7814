// How an argument of a redeclaration differs from the one in force, in RabbitMQ's words (behaviours §4.5).
// Queues and exchanges use it.
import { FIELD_TYPE_NAMES, isInteger } from '../protocol/table.ts'
import type { Field } from '../protocol/table.ts'

/**
 * null when the two are equivalent: integers of any width are one kind, everything else must be of the same
 * type.
 */
export function describeDifference(current: Field | undefined, received: Field | undefined): string | null {
  if (current === undefined && received === undefined) return null
  if (current === undefined) return `received ${valueAndType(received!)} but current is none`
  if (received === undefined) return `received none but current is ${valueAndType(current)}`
  if (received.tag === 'V') return `received none but current is '${print(current)}'`
  const isSame = isInteger(current) && isInteger(received)
    ? BigInt(current.value) === BigInt(received.value)
    : current.tag === received.tag && print(current) === print(received)
  return isSame ? null : `received '${print(received)}' but current is '${print(current)}'`
}

function valueAndType(field: Field): string {
  return `the value '${print(field)}' of type '${FIELD_TYPE_NAMES[field.tag]}'`
}

function print(field: Field): string {
  if (field.tag === 'V') return 'undefined'
  if (field.tag === 'A') return `[${field.value.map(print).join()}]`
  if (field.tag === 'F') return `{${[...field.value].map(([name, of]) => `${name}:${print(of)}`).join()}}`
  return field.tag === 'd' || field.tag === 'f' ? printFloat(field.value) : String(field.value)
}

/** 1000 as `1.0e3`, the way RabbitMQ prints a float. */
function printFloat(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const digits = mantissa.includes('.') ? mantissa : `${mantissa}.0`
  return exponent === '+0' ? digits : `${digits}e${exponent.replace('+', '')}`
}
