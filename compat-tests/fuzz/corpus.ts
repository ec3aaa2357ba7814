// Programs over which the two brokers once differed, as the fuzzer shrank them: reproducers that stay. Played
// by fuzz.test.ts on both brokers. A new one is printed by `npm run fuzz:diff`, and goes to the file of its
// generator; its seed is that of the program in which it was found.

import { administration } from './corpus/administration.ts'
import { consuming } from './corpus/consuming.ts'
import { quorum } from './corpus/quorum.ts'
import { routing } from './corpus/routing.ts'
import type { Reproducer } from './program.ts'

export const corpus: readonly Reproducer[] = [...routing, ...consuming, ...quorum, ...administration]
