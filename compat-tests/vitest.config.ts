import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'
import { CompatReporter } from './harness/reporter.ts'

// The files run one after the other: they share one broker per target, and one of them restarts it.
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '..'),
    include: ['compat-tests/*.test.ts', 'compat-tests/fuzz/*.test.ts'],
    globalSetup: [resolve(import.meta.dirname, 'harness/global-setup.ts')],
    fileParallelism: false,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    maxConcurrency: 16,
    reporters: [
      'default', ['json', { outputFile: 'node_modules/.cache/leveret/compat.json' }], new CompatReporter(),
    ],
  },
})
