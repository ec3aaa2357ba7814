// What the table of versions means for a test on a reference that is an older RabbitMQ: either the test asks
// the table and expects the older value, or it is listed there and has to fail, in the words that its row
// says. Called by for-each-target.ts, session.ts and durability.test.ts. Invariant: a listed test that passes
// fails the run, so that no row outlives its difference.

import { basename } from 'node:path'
import type { TestContext } from 'vitest'
import { findListed, olderDifferences } from '../older/table.ts'
import type { OlderDifferenceId } from '../older/table.ts'
import type { Target } from './target.ts'

/** Whether the table speaks of this broker; `consulted` gets the id when it does. */
export function consultOlder(target: Target, consulted: string[], id: OlderDifferenceId): boolean {
  if (!target.isRabbit3) return false
  consulted.push(olderDifferences[id].id)
  return true
}

export async function runAsListed(
  target: Target, task: TestContext['task'], run: () => Promise<void>,
): Promise<void> {
  const listed = target.isRabbit3 ? findListed(basename(task.file.name, '.test.ts'), task.name) : null
  if (listed === null) return run()
  try {
    await run()
  } catch (error) {
    const said = String(error)
    const { meta } = task
    meta.older ??= []
    meta.older.push(listed.id)
    meta.olderFailure = said
    if (listed.sees.test(said)) return
    throw new Error(`'${listed.id}' in compat-tests/older/ lists another failure: ${String(listed.sees)}`,
      { cause: error })
  }
  if (listed.mayPass) return
  throw new Error(`RabbitMQ ${target.version} does as the newest here, but '${listed.id}' in `
    + 'compat-tests/older/ lists this test')
}
