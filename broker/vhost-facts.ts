// What is said about a vhost besides what is in it, kept with its name in the catalog; and what is said
// of one that nobody said anything about.
import type { VHostLimits } from './limits.ts'

export interface VHostFacts {
  readonly description: string
  readonly tags: readonly string[]
  readonly defaultQueueType: string
  /** Deleting it is refused until somebody takes this back. */
  readonly isProtected: boolean
  readonly limits: VHostLimits
}

export const NEW_VHOST: VHostFacts = {
  description: '', tags: [], defaultQueueType: 'classic', isProtected: false, limits: {},
}
