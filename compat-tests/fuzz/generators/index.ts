// The table of generators: a row per area. To add one, write a function that fills a Draft and put it here;
// run.ts, the reports and the tests take it from this table.

import { Dice } from '../dice.ts'
import type { Program } from '../program.ts'
import * as administration from './administration.ts'
import * as consuming from './consuming.ts'
import { Draft } from './draft.ts'
import { quorum } from './quorum.ts'
import * as routing from './routing.ts'

/** How often an area comes, and what writes its programs. */
interface Row {
  readonly weight: number
  readonly write: (draft: Draft, dice: Dice) => void
}

export const generators: Readonly<Record<string, Row>> = {
  'topology': { weight: 3, write: routing.topology },
  'queues': { weight: 3, write: consuming.queues },
  'consumers': { weight: 2, write: consuming.consumers },
  'single-active': { weight: 2, write: consuming.singleActive },
  'limits': { weight: 2, write: consuming.limits },
  'priorities': { weight: 1.5, write: consuming.priorities },
  'dead-letters': { weight: 3, write: consuming.deadLetters },
  'transactions': { weight: 2, write: consuming.transactions },
  'expiry': { weight: 0.5, write: consuming.expiry },
  'leases': { weight: 0.2, write: consuming.leases },
  'graphs': { weight: 2, write: routing.graphs },
  'headers': { weight: 1.5, write: routing.headers },
  'topics': { weight: 1.5, write: routing.topics },
  'messages': { weight: 2, write: routing.messages },
  'replies': { weight: 1, write: routing.replies },
  'mistakes': { weight: 2, write: routing.mistakes },
  'exchange-types': { weight: 1, write: routing.exchangeTypes },
  'letters-by-commit': { weight: 1, write: consuming.lettersByCommit },
  'quorum': { weight: 3, write: quorum },
  'policies': { weight: 2, write: administration.policies },
  'permissions': { weight: 2, write: administration.permissions },
}

/** The program of a seed: the same one, chosen or named, as long as its generator is not changed. */
export function generate(seed: number, only: string | undefined): Program {
  const weights = Object.entries(generators).map(([name, { weight }]) => [weight, name] as const)
  const generator = only ?? new Dice(~seed).weighted(weights)
  const row = generators[generator]
  if (row === undefined) {
    throw new Error(`no generator '${generator}': there are ${Object.keys(generators).join(', ')}`)
  }
  const dice = new Dice(seed)
  const draft = new Draft(dice)
  row.write(draft, dice)
  return { generator, seed, steps: draft.finish() }
}
