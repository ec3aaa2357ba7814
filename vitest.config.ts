import { defineConfig } from 'vitest/config'

// What runs beside the code and in test/: unit, contract, layout, simulation and crash tests. The
// compatibility suite, which starts two brokers, has a config of its own. `npm test` reads the JSON report.
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'compat-tests/**'],
    testTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: 'node_modules/.cache/leveret/unit.json' }]],
  },
})
