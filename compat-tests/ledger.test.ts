// The ledger itself: a whole run fails over an entry that no test pins, and says which. Plays a run of one
// test with a ledger of its own (harness/ledger.config.ts); the brokers are not asked.

import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const boundMs = 120_000

test('an entry that no test of a whole run pins fails it, and is named', () => {
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/vitest'),
    ['run', '-c', 'compat-tests/harness/ledger.config.ts'],
    {
      cwd: root, encoding: 'utf8', timeout: boundMs,
      env: { ...process.env, LEDGER: 'pinned,planted', LEVERET_COMPAT_REPORT: '' },
    })
  const lines = stripVTControlCharacters(stdout).split('\n')
  expect(lines).toContain('Leveret 0: 1 of 1 behaviours as expected')
  expect(lines).toContain('ledger entries no test of this run consulted: planted')
  expect(status).toBe(1)
}, 2 * boundMs)
