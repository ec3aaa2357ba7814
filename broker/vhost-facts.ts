// What is said about a vhost besides what is in it, kept with its name in the catalog; and what is said
// of one that nobody said anything about.
import type { QueueKindName } from '../queues/settings.ts'
import type { VHostLimits } from './limits.ts'
import { Refusal } from './refusal.ts'

/** Streams are not built. */
export const DEFAULT_QUEUE_TYPES = ['classic', 'quorum'] as const satisfies readonly QueueKindName[]

export type DefaultQueueType = (typeof DEFAULT_QUEUE_TYPES)[number]

export interface VHostFacts {
  readonly description: string
  readonly tags: readonly string[]
  /** What a queue is that is declared without x-queue-type, if it may be of that type. */
  readonly defaultQueueType: DefaultQueueType
  /** Deleting it is refused until somebody takes this back. */
  readonly isProtected: boolean
  readonly limits: VHostLimits
}

export const NEW_VHOST: VHostFacts = {
  description: '', tags: [], defaultQueueType: 'classic', isProtected: false, limits: {},
}

/** As administrators write it: what says nothing is classic (RabbitMQ). Errors: Refusal. */
export function readDefaultQueueType(type: string | null | undefined): DefaultQueueType {
  if (type === undefined || type === null || type === 'undefined' || type === '') return 'classic'
  const known = DEFAULT_QUEUE_TYPES.find((name) => name === type)
  if (known !== undefined) return known
  if (type === 'stream') throw new Refusal('default queue type stream is not built yet: classic or quorum')
  throw new Refusal(`${type} is not a valid queue type`)
}
