// What is said about a vhost besides what is in it, kept with its name in the catalog; and what is said
// of one that nobody said anything about.

/** Negative, or not set: no limit. 0 lets nothing in. */
export interface VHostLimits {
  readonly 'max-connections'?: number
  readonly 'max-queues'?: number
}

export interface VHostFacts {
  readonly description: string
  readonly tags: readonly string[]
  readonly defaultQueueType: string
  /** Deleting it is refused until somebody takes this back. */
  readonly isProtected: boolean
  readonly limits: VHostLimits
}

export const VHOST_LIMITS = ['max-connections', 'max-queues'] as const satisfies (keyof VHostLimits)[]

export const NEW_VHOST: VHostFacts = {
  description: '', tags: [], defaultQueueType: 'classic', isProtected: false, limits: {},
}
