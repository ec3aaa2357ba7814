// A complete run of one test, with the ledger that LEDGER names. Played by ../ledger.test.ts, which plants an
// entry there that no test pins.

import { defineConfig } from 'vitest/config'
import { CompatReporter } from './reporter.ts'
import type { Target } from './target.ts'

const ledger = (process.env['LEDGER'] ?? '').split(',')
  .map((id) => ({ id, what: id, leveret: '', rabbit: '', reason: '' }))
const testFile = 'ledger.example.ts'
/** Nobody connects to it. */
const target: Target = {
  label: 'Leveret', isLeveret: true, isRabbit3: false, version: '0', url: '', httpUrl: null, user: '',
  password: '', vhost: '', canRestart: false, canAlarm: false, controlUrl: '', tools: null,
}

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: [testFile],
    provide: { targets: [target] },
    reporters: [new CompatReporter(ledger, [testFile])],
  },
})
