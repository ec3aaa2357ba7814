// Decides whether the two brokers differ over a program. A quick performance first; where it differs, slow
// ones, twice or more on each broker; and once the run is over, when nothing else keeps the brokers busy,
// patient ones, with pauses of several lengths. What RabbitMQ itself does differently is not determined by
// the program, nor what follows from it; before that, all has to be alike. Called by run.ts and shrink.ts.
// What begins with a consumer that RabbitMQ keeps by mistake is accepted (gone-consumers.ts).

import type { DifferenceId } from '../differences.ts'
import { findAllowance } from './allowances.ts'
import { isGoneConsumerKept } from './gone-consumers.ts'
import { play } from './play.ts'
import type { Pace } from './play.ts'
import type { Program } from './program.ts'
import type { Seat } from './stage.ts'
import { firstDifference, isRaceOfLetters } from './transcript.ts'
import type { Place, Played } from './transcript.ts'

export type Verdict =
  | { readonly kind: 'same', readonly isSecondLook: boolean, readonly rabbit: Played }
  | { readonly kind: 'accepted', readonly id: DifferenceId, readonly rabbit: Played }
  | { readonly kind: 'undetermined', readonly place: Place }
  | { readonly kind: 'differs', readonly place: Place, readonly leveret: Played, readonly rabbit: Played }

/** A pair of seats, one on each broker. */
export interface Bench {
  readonly leveret: Seat
  readonly rabbit: Seat
}

const together: Pace = { rounds: 1, fences: 'connections', pauseMs: 0, expectedBoundMs: 0 }
const quick: Pace = { rounds: 1, fences: 'none', pauseMs: 2, expectedBoundMs: 40 }
const slowLeveret: Pace = { rounds: 2, fences: 'channels', pauseMs: 1, expectedBoundMs: 0 }
const slow: Pace = { rounds: 2, fences: 'channels', pauseMs: 12, expectedBoundMs: 120 }
const patient: readonly Pace[] = [4, 30, 90].map((pauseMs) => ({ ...slow, pauseMs, expectedBoundMs: 400 }))

let played = 0

/** Never used twice on a broker; always of the same length, so that texts are cut at the same place. */
function newPrefix(): string {
  return `f${process.pid.toString(36)}.${(played++).toString(36).padStart(5, '0')}.`
}

async function perform(seat: Seat, program: Program, pace: Pace, expected: Played | null): Promise<Played> {
  const prefix = newPrefix()
  return { prefix, transcript: await play(seat, program, prefix, pace, expected?.transcript ?? null) }
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
  const mine = await twice(bench.leveret, program, slowLeveret)
  const theirs = await twice(bench.rabbit, program, slow, mine[0])
  const verdict = compare(program, mine, theirs)
  // A race may come out the same way twice: before it is called a difference, it has to twice more.
  return verdict.kind === 'same' || verdict.kind === 'undetermined' ? verdict
    : explained(bench, program,
      compare(program, mine, [...theirs, ...await twice(bench.rabbit, program, slow, mine[0])]))
}

/** For what seemed to differ: a busy RabbitMQ may be late in the same way four times. */
export async function judgePatiently(bench: Bench, program: Program): Promise<Verdict> {
  const mine = await twice(bench.leveret, program, slowLeveret)
  const theirs: Played[] = []
  for (const pace of patient) theirs.push(...await twice(bench.rabbit, program, pace, mine[0]))
  return explained(bench, program, compare(program, mine, theirs))
}

async function explained(bench: Bench, program: Program, verdict: Verdict): Promise<Verdict> {
  if (verdict.kind !== 'differs') return verdict
  const isKept = await isGoneConsumerKept(program, verdict.place.step, (shorter) =>
    play(bench.rabbit, shorter, newPrefix(), slow, null))
  return isKept ? { kind: 'accepted', id: 'single-active-gone', rabbit: verdict.rabbit } : verdict
}

/** A broker with `expected` is given time until it has said as much. */
async function twice(
  seat: Seat, program: Program, pace: Pace, expected: Played | null = null,
): Promise<[Played, Played]> {
  return [await perform(seat, program, pace, expected), await perform(seat, program, pace, expected)]
}

/** Compares up to the step in which RabbitMQ, for the first time, does not repeat itself. */
export function compare(program: Program, mine: readonly Played[], theirs: readonly Played[]): Verdict {
  const rabbit = theirs[0]!
  const unsteady = earliest(theirs.map((other) => firstDifference(rabbit, other)))
  const places = mine.map((played) => firstDifference(played, rabbit))
  const place = earliest(places)
  if (unsteady !== null && (place === null || place.step >= unsteady.step)) {
    return { kind: 'undetermined', place: unsteady }
  }
  if (place === null) return { kind: 'same', isSecondLook: true, rabbit }
  const leveret = mine[places.indexOf(place)]!
  if (isRaceOfLetters(leveret, rabbit, place.step)) return { kind: 'undetermined', place }
  const step = program.steps[place.step]!
  const id = 'do' in step ? findAllowance(step, place) : null
  return id === null ? { kind: 'differs', place, leveret, rabbit } : { kind: 'accepted', id, rabbit }
}

function earliest(places: readonly (Place | null)[]): Place | null {
  return places.reduce((first, place) =>
    (place !== null && (first === null || place.step < first.step) ? place : first), null)
}
