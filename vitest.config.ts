import { defineConfig } from 'vitest/config'

// Two projects: what runs in this process, and what starts brokers and talks to them (compat-tests has its own config).
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'compat-tests/**'],
    testTimeout: 20_000,
  },
})
