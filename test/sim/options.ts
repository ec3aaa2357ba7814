// A seed's world: how many clients, how fast, how faulty. Drawn anew for every seed, so that some runs are
// one publisher and a slow disk and others everything at once (swarm testing). Nothing else in the simulation
// decides how likely a fault is.
import { RETRIED, drawQueues } from './topology.ts'
import type { QueueRow } from './topology.ts'
import { MS, SECOND } from './world.ts'
import type { World } from './world.ts'

export interface SimOptions {
  readonly queues: readonly QueueRow[]
  /** How long a message may be delayed by its publisher; 0: none is. */
  readonly delayMaxMs: number
  readonly publishers: number
  readonly consumers: number
  readonly pollers: number
  readonly architects: number
  readonly owners: number
  readonly messagesPerPublisher: number
  readonly burstMax: number
  readonly pauseMaxUs: number
  readonly bodyMax: number
  readonly thinkMaxUs: number
  readonly prefetchMax: number
  readonly netDelayMaxUs: number
  readonly commitMaxUs: number
  /** How probable a failure is, per commit; and a client's fault, each time it looks. */
  readonly commitFailure: number
  readonly clientFault: number
  /** When the broker stops, and how. */
  readonly stops: readonly { readonly atUs: number; readonly isClean: boolean }[]
  readonly loadUs: number
  /** How probable it is, per commit, that the store falls behind: doors stop reading for a while. */
  readonly congestion: number
  /** When the wall clock jumps, and by how much; the monotonic one never does. */
  readonly clockJumps: readonly { readonly atUs: number; readonly byMs: number }[]
  /**
   * Safety: faults until the end, which is a kill in the middle of them. Liveness: faults stop, and what runs
   * must get everything done in bounded time.
   */
  readonly mode: 'safety' | 'liveness'
}

const HOUR_MS = 3_600_000

export function drawOptions(world: World): SimOptions {
  const { random } = world
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)]!
  const loadUs = world.between(400, 2_500) * MS
  const stops = Array.from({ length: random.below(5) }, () => (
    { atUs: world.between(20 * MS, loadUs), isClean: random.chance(0.25) }))
  const clockJumps = Array.from({ length: pick(0, 0, 1, 3) }, () => (
    { atUs: world.between(0, loadUs), byMs: pick(HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS) }))
  // What waits for its time goes by the wall clock.
  const isTimely = clockJumps.length === 0
  return {
    queues: drawQueues(() => random.chance(0.4), isTimely && random.chance(0.5) ? RETRIED : []),
    delayMaxMs: isTimely ? pick(0, 0, 150) : 0,
    publishers: world.between(1, 3),
    consumers: world.between(1, 4),
    pollers: world.between(0, 2),
    architects: world.between(0, 1),
    owners: world.between(0, 1),
    messagesPerPublisher: world.between(15, 70),
    burstMax: pick(1, 5, 20),
    pauseMaxUs: pick(2, 10, 40) * MS,
    bodyMax: pick(60, 60, 60, 900, 900, 900, 9_000, 40_000),
    thinkMaxUs: pick(1, 5, 30) * MS,
    prefetchMax: pick(1, 4, 30),
    netDelayMaxUs: pick(100, 1_000, 5_000),
    commitMaxUs: pick(300, 3_000, 20_000),
    commitFailure: pick(0, 0, 0, 0.003, 0.01),
    clientFault: pick(0, 0.1, 0.4),
    stops,
    loadUs,
    congestion: pick(0, 0.02, 0.1),
    clockJumps,
    mode: pick('safety', 'liveness'),
  }
}

/** Faults have ended: by then everything is confirmed, delivered and acked, or there is no progress. */
export const CALM_MAX_US = 60 * SECOND
