// The TypeScript programs, here and in examples/, fit the types of the libraries they use. The project's
// own type check leaves them out, because it runs before their libraries are installed.

import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

test.each(['compat-tests/clients/node', 'examples'])('%s fits the types of its libraries', async (folder) => {
  const check = promisify(execFile)('node_modules/.bin/tsc', ['-p', folder], { cwd: root })
  const { stdout } = await check.catch((failed: { stdout: string }) => failed)
  expect(stdout).toBe('')
}, 60_000)
