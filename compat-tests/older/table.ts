// The one table of what the suite expects of an older reference. Asked by harness/as-listed.ts: a test names
// a row (`older('global-qos')`) to expect the older value; what a row lists under `fails` was written for the
// newest, and has to fail in the words it says. Invariant: a difference that is not here fails `npm run
// compat:older`, and so does a row that no longer differs.

import type { FailingTests, OlderDifference } from './difference.ts'
import { ofManagement } from './management.ts'
import { ofMessages } from './messages.ts'
import { ofQueues } from './queues.ts'

const rows = { ...ofMessages, ...ofQueues, ...ofManagement }

export type OlderDifferenceId = keyof typeof rows

export const olderDifferences = Object.fromEntries(
  Object.entries(rows).map(([id, row]) => [id, { id, ...row }]),
) as Record<OlderDifferenceId, OlderDifference & { readonly id: OlderDifferenceId }>

/** What the table says of a test that fails on an older reference; or null. */
export function findListed(file: string, title: string): FailingTests & { id: OlderDifferenceId } | null {
  for (const { id, fails = [] } of Object.values(olderDifferences)) {
    const listed = fails.find((tests) => tests.file === file && tests.titles.test(title))
    if (listed !== undefined) return { id, ...listed }
  }
  return null
}
