import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// Real client libraries and the examples against both brokers. Apart from the compatibility suite, because it
// installs what the suite does not need: npm's and Debian's client packages.
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    include: ['compat-tests/clients/*.test.ts'],
    globalSetup: [
      resolve(import.meta.dirname, 'install.ts'),
      resolve(import.meta.dirname, '../harness/global-setup.ts'),
    ],
    fileParallelism: false,
    teardownTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/leveret/clients.json' }]],
  },
})
