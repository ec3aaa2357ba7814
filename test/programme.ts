// The numbers of the reliability programme: how much of each test `npm test` runs and how much one night
// does (`npm run test:reliability`, reliability §8). Read by the tests and by reliability.ts, which may ask
// for other numbers through the environment. One row a test; nothing else decides how long they run.

interface Row {
  readonly unit: string
  readonly file: string
  /** The name that vitest filters by. */
  readonly test: string
  readonly pr: number
  readonly nightly: number
}

export const programme = {
  'power-cuts': {
    unit: 'states', file: 'test/disk/power-cut.test.ts', test: 'a power cut', pr: 2_000, nightly: 50_000,
  },
} as const satisfies Record<string, Row>

export type ProgrammeName = keyof typeof programme

/** Set by reliability.ts: NAME=COUNT. */
export const COUNT_VARIABLE = 'LEVERET_RELIABILITY'

export function countOf(name: ProgrammeName): number {
  const [asked, count] = (process.env[COUNT_VARIABLE] ?? '').split('=')
  return asked === name ? Number(count) : programme[name].pr
}

/** So that a seed is new in every run; it is printed with what it finds. */
export function freshSeed(): number {
  return Date.now() % 0x7fff_0000
}
