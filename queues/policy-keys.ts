// What a policy may say: for each key which values it takes, in which words RabbitMQ refuses others, and how
// the value joins an operator policy's and a queue argument's. Keys that are a queue argument too lie in that
// argument's row in settings.ts; the others are here. Values come from JSON, checked before they are kept.

export type PolicyValue = string | number | boolean | null | readonly unknown[] | object

/** Keys and values, those of an operator policy already joined. */
export type PolicyDefinition = ReadonlyMap<string, PolicyValue>

export const NO_POLICY: PolicyDefinition = new Map()

/** What comes of a policy's value and another, an operator's or an argument's. */
type Join = (policy: PolicyValue, other: PolicyValue) => PolicyValue
type ArgumentJoin = (policy: PolicyValue, argument: PolicyValue, isClassic: boolean) => PolicyValue

export interface PolicyKey {
  readonly key: string
  readonly isValid: (value: PolicyValue) => boolean
  /** The end of RabbitMQ's refusal: `-1 is not a valid maximum length`. */
  readonly refusal: string
  /** null: not a key of operator policies. */
  readonly withOperator: Join | null
  readonly withArgument: ArgumentJoin
}

export const isNonNegative = (value: PolicyValue): boolean => Number.isInteger(value) && Number(value) >= 0
export const isPositive = (value: PolicyValue): boolean => Number.isInteger(value) && Number(value) > 0
export const isWhole = (value: PolicyValue): boolean => Number.isInteger(value)
export const isText = (value: PolicyValue): boolean => typeof value === 'string'
export const oneOf = (...words: readonly PolicyValue[]) =>
  (value: PolicyValue): boolean => words.includes(value)

export const lower: Join = (policy, other) => Math.min(Number(policy), Number(other))
export const higher: Join = (policy, other) => Math.max(Number(policy), Number(other))
/** Beside a negative one the higher counts; an argument that is no number loses (RabbitMQ). */
export const lowerLimit: Join = (policy, other) => {
  if (typeof other !== 'number') return policy
  return (Number(policy) < 0 || other < 0 ? higher : lower)(policy, other)
}
export const otherWins: Join = (_policy, other) => other
export const policyWins: Join = (policy) => policy
/** RabbitMQ: a classic queue keeps its argument, the other types follow the policy. */
export const classicArgumentWins: ArgumentJoin = (policy, argument, isClassic) =>
  (isClassic ? argument : policy)

export function policyKey(
  key: string, refusal: string, isValid: PolicyKey['isValid'],
  joins: { readonly operator?: Join; readonly argument: ArgumentJoin },
): PolicyKey {
  return { key, refusal, isValid, withOperator: joins.operator ?? null, withArgument: joins.argument }
}

/** An exchange's, in no queue's arguments. */
export const ALTERNATE_EXCHANGE = policyKey(
  'alternate-exchange', 'alternate exchange name', isText, { argument: otherWins })

/** Of replicas, of which there are none here: RabbitMQ's single node does nothing with it either. */
export const TARGET_GROUP_SIZE = policyKey(
  'target-group-size', 'qq target count value', isPositive, { operator: higher, argument: policyWins })
