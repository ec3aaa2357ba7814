// The queue arguments: one row each. Validation, equivalence on redeclare, refusals and what a queue runs by
// follow from the rows. An argument that nobody knows is accepted and kept, as RabbitMQ does; those of
// streams, which are not there, are known as other types' arguments are.
import { KEYS_MAX, KEYS_MAX_DEFAULT } from '../protocol/deduplication-limits.ts'
import { preconditionFailed } from '../protocol/errors.ts'
import { FIELD_TYPE_NAMES, isInteger } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import {
  ALTERNATE_EXCHANGE, NO_POLICY, TARGET_GROUP_SIZE, classicArgumentWins, higher, isNonNegative, isPositive,
  isText, isWhole, lower, lowerLimit, oneOf, otherWins, policyKey, policyWins,
} from './policy-keys.ts'
import type { PolicyDefinition, PolicyKey, PolicyValue } from './policy-keys.ts'
import {
  RETRY_ATTEMPTS_WORDS, RETRY_DELAY_WORDS, RETRY_ON_WORDS, RETRY_THEN_WORDS, isRetryAttempts, isRetryEnd,
  plainOf, readRetryCauses, readRetryDelay, retrySettings,
} from './retry-settings.ts'
import type { RetrySettings } from './retry-settings.ts'

export type QueueKindName = 'classic' | 'quorum' | 'stream'

/**
 * What a queue runs by. Every field is always there: absent limits are Infinity, so that hot code just
 * compares.
 */
export interface QueueSettings {
  readonly messageTtlMs: number
  /** How long every message waits before it is ready; 0 when not at all. */
  readonly messageDelayMs: number
  /** How long the queue may be unused before it is deleted. */
  readonly expiresMs: number
  readonly lengthMax: number
  readonly lengthBytesMax: number
  readonly overflow: 'drop-head' | 'reject-publish' | 'reject-publish-dlx'
  readonly deadLetterExchange: string | null
  /** null: the message keeps its own. */
  readonly deadLetterRoutingKey: string | null
  /** null: no priorities. */
  readonly priorityMax: number | null
  readonly isSingleActive: boolean
  /** How often a delivery may fail and be tried again; null: as often as the kind of queue says. */
  readonly deliveryLimit: number | null
  /** null: a message that fails is not tried again after a delay. */
  readonly retry: RetrySettings | null
  /** RabbitMQ 4.3's own: what is returned to a quorum queue waits. null: it does not. */
  readonly delayedRetry: DelayedRetry | null
  /** A dead letter is kept until somebody has taken it. */
  readonly isDeadLetterKept: boolean
  /** How long a delivery may be unsettled; null: as long as the broker says. */
  readonly consumerTimeoutMs: number | null
  /** After so long an unsettled delivery returns, and nothing else happens; null: it does not. */
  readonly ackTimeoutMs: number | null
  /** What comes with a key that is known is a duplicate (deduplication.ts). */
  readonly isDeduplicating: boolean
  /** How long a key is known from its publish on; Infinity: as long as its message is there. */
  readonly keyWindowMs: number
  readonly keysMax: number
  /** The header that says which group a message belongs to (grouped-ready.ts); null: there are none. */
  readonly groupHeader: string | null
}

export interface DelayedRetry {
  readonly type: 'all' | 'failed' | 'returned'
  readonly minMs: number
  readonly maxMs: number
}

interface ArgumentPolicy extends PolicyKey {
  /** The queue types that heed it, where they are not those that take the argument. */
  readonly kinds?: readonly QueueKindName[]
}

interface QueueArgument {
  readonly name: string
  /** The queue types whose declaration may carry it. */
  readonly kinds: readonly QueueKindName[]
  /** What is wrong with a value, in RabbitMQ's words; null when nothing is. */
  readonly check?: (field: Field) => string | null
  /** The policy key that says the same; none when RabbitMQ has none. */
  readonly policy?: ArgumentPolicy
}

const ALL: readonly QueueKindName[] = ['classic', 'quorum', 'stream']
const CLASSIC_QUORUM: readonly QueueKindName[] = ['classic', 'quorum']
const QUORUM: readonly QueueKindName[] = ['quorum']
const CLASSIC: readonly QueueKindName[] = ['classic']
/** Ten years: what RabbitMQ takes for a time at most. */
const TIME_MS_MAX = 315_360_000_000
const OVERFLOWS = ['drop-head', 'reject-publish', 'reject-publish-dlx'] as const
const STRATEGIES = ['at-most-once', 'at-least-once']
const DELAYED_RETRIES = ['all', 'failed', 'returned'] as const
const LEADER_LOCATORS = ['client-local', 'balanced', 'random', 'least-leaders', 'min-masters']

const built = (
  name: string, kinds: readonly QueueKindName[], check?: ((field: Field) => string | null) | null,
  policy?: ArgumentPolicy,
): QueueArgument => ({ name, kinds, ...(check && { check }), ...(policy && { policy }) })

/** For Leveret's own arguments: the value, and what it may be. */
const expected = (isValid: (value: unknown) => boolean, words: string) => (field: Field): string | null =>
  (isValid(plainOf(field)) ? null : `${JSON.stringify(plainOf(field))}: ${words}`)

/** Of two values the stricter. */
const STRICTER = { operator: lower, argument: lower } as const
const ARGUMENT_WINS = { argument: otherWins } as const
const isRetryDelay = (value: unknown): boolean => readRetryDelay(value) !== null
const isRetryOn = (value: unknown): boolean => readRetryCauses(value) !== null

/** In the order in which RabbitMQ checks their values: of two mistakes the first one is told. */
export const QUEUE_ARGUMENTS: readonly QueueArgument[] = [
  built('x-expires', CLASSIC_QUORUM, (field) => checkInteger(field, 1, 'value_too_large', TIME_MS_MAX),
    policyKey('expires', 'queue expiry', isPositive, STRICTER)),
  built('x-message-ttl', CLASSIC_QUORUM, (field) => checkInteger(field, 0, 'value_too_large', TIME_MS_MAX),
    policyKey('message-ttl', 'message TTL', isNonNegative, STRICTER)),
  built('x-dead-letter-exchange', CLASSIC_QUORUM, null,
    policyKey('dead-letter-exchange', 'dead letter exchange name', isText, { argument: otherWins })),
  built('x-dead-letter-routing-key', CLASSIC_QUORUM, checkRoutingKey,
    policyKey('dead-letter-routing-key', 'dead letter routing key', isRoutingKey, { argument: otherWins })),
  built('x-dead-letter-strategy', QUORUM, checkStrategy,
    policyKey('dead-letter-strategy', 'dead letter strategy', oneOf(...STRATEGIES), { argument: otherWins })),
  built('x-max-length', CLASSIC_QUORUM, (field) => checkInteger(field, 0),
    policyKey('max-length', 'maximum length', isNonNegative, STRICTER)),
  built('x-max-length-bytes', ALL, (field) => checkInteger(field, 0),
    policyKey('max-length-bytes', 'maximum length in bytes', isNonNegative, STRICTER)),
  // RabbitMQ 4 takes these two and does nothing with them.
  built('x-max-in-memory-length', QUORUM, (field) => checkInteger(field, 0),
    policyKey('max-in-memory-length', 'maximum memory in bytes', isNonNegative, STRICTER)),
  built('x-max-in-memory-bytes', QUORUM, (field) => checkInteger(field, 0),
    policyKey('max-in-memory-bytes', 'maximum memory in bytes', isNonNegative, STRICTER)),
  built('x-max-priority', CLASSIC, (field) => checkInteger(field, 0, 'max_value_exceeded', 255)),
  built('x-overflow', CLASSIC_QUORUM, checkOverflow,
    policyKey('overflow', 'overflow value', oneOf(...OVERFLOWS),
      { operator: otherWins, argument: classicArgumentWins })),
  // RabbitMQ 4 accepts any value and does nothing with it: there is one kind of storage.
  built('x-queue-mode', CLASSIC, null,
    policyKey('queue-mode', 'queue-mode value', oneOf('default', 'lazy'), { argument: otherWins })),
  // RabbitMQ: a policy with it is for quorum queues too, which do nothing with it.
  built('x-queue-version', CLASSIC, checkVersion, {
    ...policyKey('queue-version', 'queue-version value', oneOf(1, 2),
      { operator: otherWins, argument: otherWins }),
    kinds: CLASSIC_QUORUM,
  }),
  built('x-single-active-consumer', CLASSIC_QUORUM, checkBoolean),
  built('x-queue-type', ALL),
  built('x-consumer-timeout', QUORUM, (field) => checkInteger(field, 0),
    policyKey('consumer-timeout', 'consumer timeout', isNonNegative, { argument: lower })),
  // Sizes and patience of a cluster, which is not there: checked as RabbitMQ does, and without effect.
  built('x-consumer-disconnected-timeout', QUORUM, (field) => checkInteger(field, 0),
    policyKey('consumer-disconnected-timeout', 'consumer disconnected timeout', isNonNegative,
      { argument: lower })),
  built('x-quorum-initial-group-size', QUORUM, (field) => checkInteger(field, 1)),
  // RabbitMQ 4.3 denies it, 3.x took it: with one node every choice is the same.
  built('x-queue-master-locator', CLASSIC, checkLeaderLocator),
  built('x-queue-leader-locator', ALL, checkLeaderLocator,
    policyKey('queue-leader-locator', 'queue leader locator value',
      oneOf('client-local', 'balanced', 'random', 'least-leaders'), { argument: otherWins })),
  // RabbitMQ takes any value: a negative one is no limit, one that is no integer the default. It refuses the
  // argument for a classic queue (difference 'classic-delivery-limit'); its policies are for quorum queues.
  built('x-delivery-limit', CLASSIC_QUORUM, null, {
    ...policyKey('delivery-limit', 'delivery limit', isWhole, { operator: lowerLimit, argument: lowerLimit }),
    kinds: QUORUM,
  }),
  built('x-initial-cluster-size', ['stream'], null,
    policyKey('initial-cluster-size', 'cluster size', isNonNegative, { argument: policyWins })),
  built('x-max-age', ['stream'], null, policyKey('max-age', 'max age', isMaxAge, { argument: policyWins })),
  // RabbitMQ takes any value: one that is none of these is no delay.
  built('x-delayed-retry-type', QUORUM, null,
    policyKey('delayed-retry-type', 'delayed retry type. Must be one of: all, failed, returned, disabled',
      oneOf('all', 'failed', 'returned', 'disabled'), { operator: otherWins, argument: policyWins })),
  built('x-delayed-retry-min', QUORUM, null,
    policyKey('delayed-retry-min', 'delayed retry minimum delay. Must be a positive integer', isPositive,
      { operator: higher, argument: lower })),
  built('x-delayed-retry-max', QUORUM, null,
    policyKey('delayed-retry-max', 'delayed retry maximum delay. Must be a positive integer', isPositive,
      { operator: lower, argument: lower })),
  // Leveret's own.
  built('x-message-delay', CLASSIC_QUORUM, (field) => checkInteger(field, 0, 'value_too_large', TIME_MS_MAX),
    policyKey('message-delay', 'message delay', isNonNegative, { argument: otherWins })),
  built('x-ack-timeout', CLASSIC_QUORUM, checkLease,
    policyKey('ack-timeout', 'ack timeout', isPositive, ARGUMENT_WINS)),
  built('x-retry-attempts', CLASSIC_QUORUM, expected(isRetryAttempts, RETRY_ATTEMPTS_WORDS),
    policyKey('retry-attempts', `retry count: ${RETRY_ATTEMPTS_WORDS}`, isRetryAttempts, ARGUMENT_WINS)),
  built('x-retry-delay', CLASSIC_QUORUM, expected(isRetryDelay, RETRY_DELAY_WORDS),
    policyKey('retry-delay', `retry delay: ${RETRY_DELAY_WORDS}`, isRetryDelay, ARGUMENT_WINS)),
  built('x-retry-on', CLASSIC_QUORUM, expected(isRetryOn, RETRY_ON_WORDS),
    policyKey('retry-on', `retry cause: ${RETRY_ON_WORDS}`, isRetryOn, ARGUMENT_WINS)),
  built('x-retry-then', CLASSIC_QUORUM, expected(isRetryEnd, RETRY_THEN_WORDS),
    policyKey('retry-then', `end of retries: ${RETRY_THEN_WORDS}`, isRetryEnd, ARGUMENT_WINS)),
  // No policy turns it on: the keys of what is there already would be missing.
  built('x-message-deduplication', CLASSIC_QUORUM, checkBoolean),
  built('x-cache-ttl', CLASSIC_QUORUM, checkLease,
    policyKey('cache-ttl', 'deduplication window', isPositive, ARGUMENT_WINS)),
  built('x-cache-size', CLASSIC_QUORUM, checkKeysMax,
    policyKey('cache-size', 'number of deduplication keys', isKeysMax, ARGUMENT_WINS)),
  // No policy either: what is out already would be in no group.
  built('x-group-header', CLASSIC_QUORUM, checkHeaderName),
  built('x-stream-filter-size-bytes', ['stream'], null,
    policyKey('stream-filter-size-bytes', 'filter size. Valid range is 16-255', isFilterSize,
      { argument: policyWins })),
  built('x-stream-max-segment-size-bytes', ['stream'], null,
    policyKey('stream-max-segment-size-bytes', 'segment size', isNonNegative, { argument: policyWins })),
]

interface PolicyRow extends PolicyKey {
  /** The queue types that heed it. */
  readonly kinds: readonly QueueKindName[]
}

/** Every key that a policy may have; exchanges heed the first. */
export const POLICY_KEYS: ReadonlyMap<string, PolicyRow> = new Map([
  { ...ALTERNATE_EXCHANGE, kinds: ALL },
  { ...TARGET_GROUP_SIZE, kinds: QUORUM },
  ...QUEUE_ARGUMENTS.flatMap(({ policy, kinds }) => (policy === undefined ? [] : [{ kinds, ...policy }])),
].map((row) => [row.key, row] as const))

const KINDS: ReadonlyMap<string, readonly QueueKindName[]> =
  new Map(QUEUE_ARGUMENTS.map(({ name, kinds }) => [name, kinds]))

/** `what` is `queue 'q' in vhost 'v'`. RabbitMQ: values before names. Errors: precondition-failed. */
export function validateQueueArguments(args: FieldTable, what: string): void {
  checkDeadLetterExchange(args, what)
  checkKind(args, what)
  const kind = findKindName(args)
  for (const { name, kinds, check } of QUEUE_ARGUMENTS) {
    const field = args.get(name)
    if (field === undefined || !kinds.includes(kind)) continue
    const problem = check?.(field) ?? null
    if (problem !== null) throw invalidArgument(name, what, problem)
    if (name === 'x-dead-letter-routing-key' && !args.has('x-dead-letter-exchange')) {
      throw invalidArgument('x-dead-letter-routing-key', what, 'routing_key_but_no_dlx_defined')
    }
  }
  for (const name of checkedOrder(args)) {
    if (KINDS.get(name)?.includes(kind) !== false) continue
    throw preconditionFailed(`invalid arg '${name}' for ${what} of queue type rabbit_${kind}_queue`)
  }
  if (args.has('x-group-header') && args.has('x-max-priority')) {
    throw invalidArgument('x-group-header', what, "'x-max-priority' would change the order in a group")
  }
}

/** The client's order; RabbitMQ sorts the arguments when it has to add the type itself. */
function checkedOrder(args: FieldTable): Iterable<string> {
  return isTypeSaid(args) ? args.keys() : [...args.keys()].toSorted()
}

const orZero = (value: number): number => (value === Infinity ? 0 : value)
const finite = (value: number): number | null => (value === Infinity ? null : value)

/** Null for what would delay nothing. */
function delayedRetryOf(name: string | null, minMs: number, maxMs: number): DelayedRetry | null {
  const type = DELAYED_RETRIES.find((type) => type === name)
  if (type === undefined || minMs < 1 || minMs === Infinity) return null
  return { type, minMs, maxMs: maxMs < 1 ? Infinity : maxMs }
}

/** A quorum queue takes reject-publish-dlx, and drops its head all the same (RabbitMQ). */
function overflowOf(name: string | null, kind: QueueKindName): QueueSettings['overflow'] {
  if (name === 'reject-publish-dlx' && kind === 'quorum') return 'drop-head'
  return OVERFLOWS.find((overflow) => overflow === name) ?? 'drop-head'
}

/** The kind that the arguments ask for; 'classic' for one that `validateQueueArguments` refuses. */
export function findKindName(args: FieldTable): QueueKindName {
  return ALL.find((name) => name === args.get('x-queue-type')?.value) ?? 'classic'
}

export function isDeduplicating(args: FieldTable): boolean {
  return args.get('x-message-deduplication')?.value === true
}

function groupHeaderOf(args: FieldTable): string | null {
  const field = args.get('x-group-header')
  return field?.tag === 'S' ? field.value : null
}

/** Arguments that passed `validateQueueArguments`, and what the policies in force say besides. */
export function resolveQueueSettings(args: FieldTable, policy: PolicyDefinition = NO_POLICY): QueueSettings {
  const integer = (name: string): number => {
    const value = effectiveValue(name, args, policy)
    return typeof value === 'number' ? value : Infinity
  }
  const text = (name: string): string | null => {
    const value = effectiveValue(name, args, policy)
    return typeof value === 'string' ? value : null
  }
  const value = (name: string): unknown => effectiveValue(name, args, policy)
  const priorityMax = integer('x-max-priority')
  const deliveryLimit = integer('x-delivery-limit')
  return Object.freeze({
    messageTtlMs: integer('x-message-ttl'),
    messageDelayMs: orZero(integer('x-message-delay')),
    expiresMs: integer('x-expires'),
    lengthMax: integer('x-max-length'),
    lengthBytesMax: integer('x-max-length-bytes'),
    overflow: overflowOf(text('x-overflow'), findKindName(args)),
    deadLetterExchange: text('x-dead-letter-exchange'),
    deadLetterRoutingKey: text('x-dead-letter-routing-key'),
    // RabbitMQ 4.3 takes 0 for 1.
    priorityMax: priorityMax === Infinity ? null : Math.max(priorityMax, 1),
    isSingleActive: args.get('x-single-active-consumer')?.value === true,
    // RabbitMQ: not where it drops its head.
    isDeadLetterKept: text('x-dead-letter-strategy') === 'at-least-once'
      && text('x-overflow') === 'reject-publish' && text('x-dead-letter-exchange') !== null,
    consumerTimeoutMs: finite(integer('x-consumer-timeout')),
    ackTimeoutMs: finite(integer('x-ack-timeout')),
    retry: retrySettings(
      value('x-retry-attempts'), value('x-retry-delay'), value('x-retry-on'), value('x-retry-then')),
    delayedRetry: delayedRetryOf(
      text('x-delayed-retry-type'), integer('x-delayed-retry-min'), integer('x-delayed-retry-max')),
    isDeduplicating: isDeduplicating(args),
    keyWindowMs: integer('x-cache-ttl'),
    keysMax: finite(integer('x-cache-size')) ?? KEYS_MAX_DEFAULT,
    groupHeader: groupHeaderOf(args),
    deliveryLimit: deliveryLimit === Infinity ? null : deliveryLimit < 0 ? Infinity : deliveryLimit,
  })
}

/** Errors: precondition-failed for a type that is no text, is unknown, or is not there. */
function checkKind(args: FieldTable, what: string): void {
  const field = args.get('x-queue-type')
  if (field === undefined || !isTypeSaid(args)) return
  if (field.tag !== 'S') throw invalidArgument('x-queue-type', what, unacceptable(field))
  if (CLASSIC_QUORUM.some((name) => name === field.value)) return
  throw invalidArgument('x-queue-type', what, `"unsupported queue type '${field.value}'"`)
}

/** The argument, the policy's value, or what comes of the two (behaviours §9.1). */
function effectiveValue(name: string, args: FieldTable, policy: PolicyDefinition): PolicyValue | undefined {
  const field = args.get(name)
  const argument = field === undefined ? undefined : plainOf(field)
  if (policy.size === 0) return argument as PolicyValue | undefined
  const row = QUEUE_ARGUMENTS.find((row) => row.name === name)?.policy
  const fromPolicy = row === undefined ? undefined : policy.get(row.key)
  if (fromPolicy === undefined) return argument as PolicyValue | undefined
  if (argument === undefined) return fromPolicy
  return row!.withArgument(fromPolicy, argument as PolicyValue, findKindName(args) === 'classic')
}

/** An empty type, or `undefined`, asks for the default as none does (RabbitMQ). */
export function isTypeSaid(args: FieldTable): boolean {
  const value = args.get('x-queue-type')?.value
  return value !== undefined && value !== '' && value !== 'undefined'
}

/** RabbitMQ checks this one before the others, and words it differently. */
function checkDeadLetterExchange(args: FieldTable, what: string): void {
  const name = 'x-dead-letter-exchange'
  const field = args.get(name)
  if (field === undefined || field.tag === 'S') return
  throw preconditionFailed(`invalid type '${FIELD_TYPE_NAMES[field.tag]}' for arg '${name}' in ${what}`)
}

/** What is wrong with it, in RabbitMQ's words; null when nothing is. */
export function checkInteger(field: Field, min: number, tooLarge = '', max = Infinity): string | null {
  if (!isInteger(field)) return `"expected integer, got ${FIELD_TYPE_NAMES[field.tag]}"`
  const value = Number(field.value)
  if (value < min && value < 0) return `{value_negative,${field.value}}`
  if (value < min) return `{value_zero,${field.value}}`
  return value > max ? `{${tooLarge},${field.value}}` : null
}

function checkKeysMax(field: Field): string | null {
  return checkInteger(field, 1, 'value_too_large', KEYS_MAX)
}

function isKeysMax(value: PolicyValue): boolean {
  return isPositive(value) && Number(value) <= KEYS_MAX
}

export function checkLease(field: Field): string | null {
  return checkInteger(field, 1, 'value_too_large', TIME_MS_MAX)
}

function checkOverflow(field: Field): string | null {
  if (field.tag !== 'S') return unacceptable(field)
  return OVERFLOWS.some((overflow) => overflow === field.value) ? null : 'invalid_overflow'
}

/** As long as a name in a table may be. */
function checkHeaderName(field: Field): string | null {
  if (field.tag !== 'S') return unacceptable(field)
  const length = Buffer.byteLength(field.value)
  return length >= 1 && length <= 255 ? null : `expected the name of a header, 1 to 255 bytes, got ${length}`
}

/** A routing key is a short string: what is longer could never be delivered. */
function checkRoutingKey(field: Field): string | null {
  if (field.tag !== 'S') return unacceptable(field)
  const length = Buffer.byteLength(field.value)
  return length > 255 ? `{routing_key_too_long,${length}}` : null
}

/** Also in a policy: what is longer could be in no frame. */
function isRoutingKey(value: PolicyValue): boolean {
  return typeof value === 'string' && Buffer.byteLength(value) <= 255
}

function isMaxAge(value: PolicyValue): boolean {
  return typeof value === 'string' && /^\d+[YMDhms]$/.test(value)
}

function isFilterSize(value: PolicyValue): boolean {
  return isWhole(value) && Number(value) >= 16 && Number(value) <= 255
}

function checkBoolean(field: Field): string | null {
  return field.tag === 't' ? null : unacceptable(field)
}

function checkStrategy(field: Field): string | null {
  if (field.tag !== 'S') return unacceptable(field)
  return STRATEGIES.includes(field.value) ? null : 'invalid_dlx_strategy'
}

function checkVersion(field: Field): string | null {
  if (!isInteger(field)) return `"expected integer, got ${FIELD_TYPE_NAMES[field.tag]}"`
  return BigInt(field.value) === 2n ? null : `"unsupported queue version '${String(field.value)}'"`
}

function checkLeaderLocator(field: Field): string | null {
  return field.tag === 'S' && LEADER_LOCATORS.includes(field.value) ? null : 'invalid_queue_locator_arg'
}

const unacceptable = (field: Field): string => `{unacceptable_type,${FIELD_TYPE_NAMES[field.tag]}}`

export const invalidArgument = (name: string, what: string, problem: string): Error =>
  preconditionFailed(`invalid arg '${name}' for ${what}: ${problem}`)
