// What became of a client's message, in a word, for whoever traces messages. Called where clients publish.
import type { PublishOutcome } from '../queues/message-tracer.ts'
import { REJECTED, ROUTED } from './vhost.ts'

/** `bits`: as VHost.publish said them. `lost`: what it is when nobody got it. */
export function outcomeOf(bits: number, isRouted: boolean, lost: 'returned' | 'dropped'): PublishOutcome {
  if (!isRouted) return lost
  if ((bits & REJECTED) !== 0) return 'refused'
  return (bits & ROUTED) !== 0 ? 'routed' : 'replied'
}
