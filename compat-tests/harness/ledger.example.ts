// The only test of the run in ledger.config.ts: it pins the ledger's entry `pinned` on Leveret.

import { describe, expect, test } from 'vitest'

describe('Leveret', () => {
  test('differs as the ledger says', ({ task }) => {
    task.meta.differences = ['pinned']
    expect(task.meta.differences).toHaveLength(1)
  })
})
