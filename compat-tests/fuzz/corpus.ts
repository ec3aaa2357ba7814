// Programs over which the two brokers once differed, as the fuzzer shrank them: reproducers that stay. Played
// by fuzz.test.ts on both brokers. A new one is printed by `npm run fuzz:diff`; its seed is that of the
// program in which it was found.

import type { Program } from './program.ts'

interface Reproducer extends Program {
  readonly title: string
}

export const corpus: readonly Reproducer[] = [
]
