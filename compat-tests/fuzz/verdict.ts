// Decides whether the two brokers differ over a program. A quick performance first; where it differs, slow
// ones, twice or more on each broker: only what both repeat is a difference, what RabbitMQ itself does
// differently is not determined by the program. Called by run.ts and shrink.ts.

import type { DifferenceId } from '../differences.ts'
import { findAllowance } from './allowances.ts'
import { play } from './play.ts'
import type { Pace } from './play.ts'
import type { Program } from './program.ts'
import type { Seat } from './stage.ts'
import { firstDifference, isRaceOfLetters } from './transcript.ts'
import type { Place, Played } from './transcript.ts'

export type Verdict =
  | { readonly kind: 'same', readonly isSecondLook: boolean, readonly rabbit: Played }
  | { readonly kind: 'accepted', readonly id: DifferenceId, readonly rabbit: Played }
  | { readonly kind: 'undetermined', readonly who: 'Leveret' | 'RabbitMQ', readonly place: Place }
  | { readonly kind: 'differs', readonly place: Place, readonly leveret: Played, readonly rabbit: Played }

/** A pair of seats, one on each broker. */
export interface Bench {
  readonly leveret: Seat
  readonly rabbit: Seat
}

const together: Pace = { rounds: 1, fences: 'connections', pauseMs: 0, expectedBoundMs: 0 }
const quick: Pace = { rounds: 1, fences: 'none', pauseMs: 2, expectedBoundMs: 40 }
const slowLeveret: Pace = { rounds: 2, fences: 'channels', pauseMs: 1, expectedBoundMs: 0 }
const slow: Pace = { rounds: 2, fences: 'channels', pauseMs: 12, expectedBoundMs: 0 }

let played = 0

/** Never used twice on a broker; always of the same length, so that texts are cut at the same place. */
function newPrefix(): string {
  return `f${process.pid.toString(36)}.${(played++).toString(36).padStart(5, '0')}.`
}

async function perform(seat: Seat, program: Program, pace: Pace): Promise<Played> {
  const prefix = newPrefix()
  return { prefix, transcript: await play(seat, program, prefix, pace, null) }
}

export async function judge(bench: Bench, program: Program): Promise<Verdict> {
  const prefix = newPrefix()
  const leveret = { prefix, transcript: await play(bench.leveret, program, prefix, together, null) }
  const transcript = await play(bench.rabbit, program, prefix, quick, leveret.transcript)
  const rabbit = { prefix, transcript }
  if (firstDifference(leveret, rabbit) === null) return { kind: 'same', isSecondLook: false, rabbit }
  return judgeSlowly(bench, program)
}

export async function judgeSlowly(bench: Bench, program: Program): Promise<Verdict> {
  const [[leveret, again], [rabbit, rabbitAgain]] = await Promise.all([
    twice(bench.leveret, program, slowLeveret), twice(bench.rabbit, program, slow),
  ])
  const unsteady = firstDifference(rabbit, rabbitAgain)
  if (unsteady !== null) return { kind: 'undetermined', who: 'RabbitMQ', place: unsteady }
  const unsteadyLeveret = firstDifference(leveret, again)
  if (unsteadyLeveret !== null) return { kind: 'undetermined', who: 'Leveret', place: unsteadyLeveret }
  const place = firstDifference(leveret, rabbit)
  if (place === null) return { kind: 'same', isSecondLook: true, rabbit }
  // A race may come out the same way twice: before it is called a difference, it has to twice more.
  const others = await twice(bench.rabbit, program, slow)
  const unlike = firstDifference(rabbit, others[0]) ?? firstDifference(rabbit, others[1])
  if (unlike !== null) return { kind: 'undetermined', who: 'RabbitMQ', place: unlike }
  if (isRaceOfLetters(leveret, rabbit, place.step)) return { kind: 'undetermined', who: 'RabbitMQ', place }
  const step = program.steps[place.step]!
  const id = 'do' in step ? findAllowance(step, place) : null
  return id === null ? { kind: 'differs', place, leveret, rabbit } : { kind: 'accepted', id, rabbit }
}

async function twice(seat: Seat, program: Program, pace: Pace): Promise<[Played, Played]> {
  return [await perform(seat, program, pace), await perform(seat, program, pace)]
}
