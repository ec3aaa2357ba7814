// Programs over which the two brokers once differed, as the fuzzer shrank them: reproducers that stay. Played
// by fuzz.test.ts on both brokers. A new one is printed by `npm run fuzz:diff`; its seed is that of the
// program in which it was found.

import type { Program } from './program.ts'

interface Reproducer extends Program {
  readonly title: string
}

export const corpus: readonly Reproducer[] = [
  {
    title: 'of two wrong arguments the same one is named',
    generator: 'topology', seed: 2000019,
    steps: [
      {
        on: '0.1',
        do: 'queue.declare',
        args: {
          queue: '%q0',
          arguments: [['x-stream-max-segment-size-bytes', 'I', 100], ['x-queue-version', 'S', '2']],
        },
      },
    ],
  },
  {
    title: 'of two arguments that differ the same one is named',
    generator: 'topology', seed: 3105080048,
    steps: [
      { on: '0.2', do: 'queue.declare', args: { queue: '%q1' } },
      {
        on: '1.2',
        do: 'queue.declare',
        args: {
          queue: '%q1',
          arguments: [['x-queue-type', 'S', 'quorum'], ['x-single-active-consumer', 't', true]],
        },
      },
    ],
  },
  {
    title: 'an absent argument that is declared void is named undefined',
    generator: 'topology', seed: 2000157,
    steps: [
      { on: '0.2', do: 'queue.declare', args: { queue: '%q1' } },
      { on: '1.2', do: 'queue.declare', args: { queue: '%q1', arguments: [['x-max-length-bytes', 'V']] } },
    ],
  },
]
