// What differences.ts accepts and a transcript cannot be made alike for: rows that know an accepted
// difference when they see one. Called by verdict.ts. Each row's ledger entry is pinned by a test of
// compat-tests/, which fails when the brokers no longer differ. What transcript.ts makes alike (header-order,
// dead-letter-redelivered) and what the generators leave out is not here.

import type { DifferenceId } from '../differences.ts'
import type { MethodStep } from './program.ts'
import type { Place } from './transcript.ts'

interface Allowance {
  readonly id: DifferenceId
  readonly explains: (step: MethodStep, place: Place) => boolean
}

const argumentOf = (step: MethodStep, name: string): unknown => {
  const table = (step.args?.['arguments'] ?? []) as [string, string, unknown][]
  return table.find(([key]) => key === name)
}

const allowances: readonly Allowance[] = [
  {
    id: 'malformed-reply-name',
    explains: (step, { leveret, rabbit }) => step.do === 'queue.declare' && step.args?.['queue'] === '%reply'
      && leveret.includes('"reply-code":404') && rabbit.includes('"reply-code":541'),
  },
  {
    id: 'tx-queue-deleted',
    explains: (step, { leveret, rabbit }) => step.do === 'tx.commit'
      && leveret.includes('"reply-code":406,"reply-text":"PRECONDITION_FAILED - partial tx completion"')
      && rabbit.includes('"reply-code":506,"reply-text":"RESOURCE_ERROR - failed to deliver message'),
  },
  {
    id: 'server-named-queue-type',
    explains: (step, { leveret, rabbit }) => step.do === 'queue.declare'
      && (step.args?.['queue'] ?? '') === '' && argumentOf(step, 'x-queue-type') !== undefined
      && leveret.includes('"reply-code":406')
      && (rabbit.includes('"reply-code":541') || rabbit.includes('unknown queue type')),
  },
  {
    id: 'empty-queue-type',
    // With nowait Leveret says nothing at all.
    explains: (step, { leveret, rabbit }) => step.do === 'queue.declare'
      && (leveret === '' || leveret.includes('queue.declare-ok'))
      && /inequivalent arg 'x-queue-type'.*(?:received|current is) ''/.test(rabbit),
  },
]

/** The ledger's entry for a difference, or null. */
export function findAllowance(step: MethodStep, place: Place): DifferenceId | null {
  return allowances.find(({ explains }) => explains(step, place))?.id ?? null
}
