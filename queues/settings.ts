// The queue arguments: one row each. Validation, equivalence on redeclare and refusals follow from the rows. An argument
// that RabbitMQ knows and Leveret has not built yet is refused by name, never accepted and ignored; one that nobody
// knows is accepted and kept, as RabbitMQ does.
import { notImplemented, preconditionFailed } from '../protocol/errors.ts'
import { FIELD_TYPE_NAMES, isInteger } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'

export interface QueueArgument {
  readonly name: string
  /** The queue types whose declaration may carry it. */
  readonly kinds: readonly QueueKind[]
  /** False: refused with 540 until it is there. */
  readonly isBuilt: boolean
  /** What is wrong with a value, in RabbitMQ's words; null when nothing is. */
  readonly check?: (field: Field) => string | null
}

export type QueueKind = 'classic' | 'quorum' | 'stream'

const ALL: readonly QueueKind[] = ['classic', 'quorum', 'stream']
const CLASSIC_QUORUM: readonly QueueKind[] = ['classic', 'quorum']
const later = (name: string, kinds: readonly QueueKind[]): QueueArgument => ({ name, kinds, isBuilt: false })

export const QUEUE_ARGUMENTS: readonly QueueArgument[] = [
  { name: 'x-queue-type', kinds: ALL, isBuilt: true },
  { name: 'x-queue-mode', kinds: ['classic'], isBuilt: true },
  { name: 'x-queue-version', kinds: ['classic'], isBuilt: true, check: checkVersion },
  { name: 'x-queue-leader-locator', kinds: ALL, isBuilt: true, check: checkLeaderLocator },
  ...['x-message-ttl', 'x-expires', 'x-max-length', 'x-overflow', 'x-dead-letter-exchange',
    'x-dead-letter-routing-key', 'x-single-active-consumer'].map((name) => later(name, CLASSIC_QUORUM)),
  later('x-max-length-bytes', ALL),
  ...['x-max-priority', 'x-queue-master-locator'].map((name) => later(name, ['classic'])),
  ...['x-dead-letter-strategy', 'x-delivery-limit', 'x-quorum-initial-group-size', 'x-consumer-timeout',
    'x-consumer-disconnected-timeout', 'x-delayed-retry-type', 'x-delayed-retry-min', 'x-delayed-retry-max',
    'x-max-in-memory-length', 'x-max-in-memory-bytes'].map((name) => later(name, ['quorum'])),
  ...['x-max-age', 'x-stream-max-segment-size-bytes', 'x-stream-filter-size-bytes', 'x-initial-cluster-size']
    .map((name) => later(name, ['stream'])),
]

/** `what` is `queue 'q' in vhost 'v'`. Errors: precondition-failed, not-implemented. */
export function validateQueueArguments(args: FieldTable, what: string): void {
  const kind = queueKind(args, what)
  if (kind !== 'classic') throw notImplemented(`x-queue-type '${kind}' is not built yet`)
  for (const [name, field] of args) {
    const row = QUEUE_ARGUMENTS.find((argument) => argument.name === name)
    if (row === undefined) continue
    if (!row.kinds.includes(kind)) {
      throw preconditionFailed(`invalid arg '${name}' for ${what} of queue type rabbit_${kind}_queue`)
    }
    if (!row.isBuilt) throw notImplemented(`queue argument ${name} is not built yet`)
    const problem = row.check?.(field) ?? null
    if (problem !== null) throw preconditionFailed(`invalid arg '${name}' for ${what}: ${problem}`)
  }
}

/** Errors: precondition-failed for the first argument known to the queue's type that differs (behaviours §4.5). */
export function checkQueueArgumentsEqual(current: FieldTable, received: FieldTable, what: string): void {
  for (const { name, kinds } of QUEUE_ARGUMENTS) {
    if (!kinds.includes('classic')) continue
    const has = known(name, current)
    const wants = known(name, received)
    const difference = describeDifference(has, wants)
    if (difference !== null) throw preconditionFailed(`inequivalent arg '${name}' for ${what}: ${difference}`)
  }
}

function queueKind(args: FieldTable, what: string): QueueKind {
  const field = args.get('x-queue-type')
  if (field === undefined) return 'classic'
  const invalid = (problem: string): Error => preconditionFailed(`invalid arg 'x-queue-type' for ${what}: ${problem}`)
  if (field.tag !== 'S') throw invalid(`{unacceptable_type,${FIELD_TYPE_NAMES[field.tag]}}`)
  if (field.value === '' || field.value === 'undefined') return 'classic'
  const kind = ALL.find((known) => known === field.value)
  if (kind === undefined) throw invalid(`"unsupported queue type '${field.value}'"`)
  return kind
}

/** RabbitMQ 4 keeps the default type as an argument of every queue. */
function known(name: string, args: FieldTable): Field | undefined {
  const field = args.get(name)
  if (name !== 'x-queue-type') return field
  return field === undefined || field.value === '' || field.value === 'undefined'
    ? { tag: 'S', value: 'classic' } : field
}

/** What differs, as RabbitMQ words it; null when the two are equivalent. */
export function describeDifference(current: Field | undefined, received: Field | undefined): string | null {
  if (current === undefined && received === undefined) return null
  if (current === undefined) return `received ${valueAndType(received!)} but current is none`
  if (received === undefined) return `received none but current is ${valueAndType(current)}`
  if (received.tag === 'V') return `received none but current is '${printField(current)}'`
  const isSame = isInteger(current) && isInteger(received)
    ? BigInt(current.value) === BigInt(received.value)
    : current.tag === received.tag && printField(current) === printField(received)
  return isSame ? null : `received '${printField(received)}' but current is '${printField(current)}'`
}

function valueAndType(field: Field): string {
  return `the value '${printField(field)}' of type '${FIELD_TYPE_NAMES[field.tag]}'`
}

function printField(field: Field): string {
  if (field.tag === 'd' || field.tag === 'f') return printFloat(field.value)
  return String(field.value)
}

/** 1000 as `1.0e3`, the way RabbitMQ prints a float. */
function printFloat(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const digits = mantissa.includes('.') ? mantissa : `${mantissa}.0`
  return exponent === '+0' ? digits : `${digits}e${exponent.replace('+', '')}`
}

function checkVersion(field: Field): string | null {
  if (!isInteger(field)) return `"expected integer, got ${FIELD_TYPE_NAMES[field.tag]}"`
  return BigInt(field.value) === 2n ? null : `"unsupported queue version '${String(field.value)}'"`
}

function checkLeaderLocator(field: Field): string | null {
  const names = ['client-local', 'balanced', 'random', 'least-leaders', 'min-masters']
  return field.tag === 'S' && names.includes(field.value) ? null : 'invalid_queue_locator_arg'
}
