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
  /** A night's number is shared among so many. */
  readonly processes: number
}

export const programme = {
  'simulation': {
    unit: 'seeds', file: 'test/sim/sim.test.ts', test: 'fresh seeds', pr: 2_000, nightly: 100_000,
    processes: 2,
  },
  'power-cuts': {
    unit: 'states', file: 'test/disk/power-cut.test.ts', test: 'a power cut', pr: 2_000, nightly: 50_000,
    processes: 1,
  },
  'kills': {
    unit: 'kills', file: 'test/crash/crash.test.ts', test: 'kills in mid-load', pr: 10, nightly: 300,
    processes: 1,
  },
  'redrive': {
    unit: 'dead letters', file: 'test/crash/redrive.test.ts', test: 'a redrive', pr: 1_000,
    nightly: 100_000, processes: 1,
  },
  'io-errors': {
    unit: 'points', file: 'test/disk/io-error.test.ts', test: 'an I/O error', pr: 60, nightly: 2_000,
    processes: 1,
  },
  'full-disks': {
    unit: 'full disks', file: 'test/disk/disk-full.test.ts', test: 'a full disk', pr: 1, nightly: 20,
    processes: 1,
  },
  'backups': {
    unit: 'backups', file: 'test/disk/backup.test.ts', test: 'a backup under load', pr: 1, nightly: 20,
    processes: 1,
  },
  'corruption': {
    unit: 'cases', file: 'test/disk/corruption.test.ts', test: 'corruption', pr: 200, nightly: 20_000,
    processes: 1,
  },
  'slow-consumers': {
    unit: 'floods of 100 MiB', file: 'test/peers/peers.test.ts', test: 'consumers that never read', pr: 2,
    nightly: 60, processes: 1,
  },
  'connections': {
    unit: 'idle connections', file: 'test/peers/peers.test.ts', test: 'idle connections', pr: 2_000,
    nightly: 10_000, processes: 1,
  },
  'churn': {
    unit: 'connections', file: 'test/peers/peers.test.ts', test: 'connections that come', pr: 2_000,
    nightly: 100_000, processes: 1,
  },
} as const satisfies Record<string, Row>

export type ProgrammeName = keyof typeof programme

/** Set by reliability.ts: NAME=COUNT@SEED. Not LEVERET_…: the broker refuses what it doesn't know. */
export const RUN_VARIABLE = 'RELIABILITY_RUN'
const [asked = '', count = '', seed = ''] = (process.env[RUN_VARIABLE] ?? '').split(/[=@]/)

export function countOf(name: ProgrammeName): number {
  return asked === name ? Number(count) : programme[name].pr
}

/** New in every run, and printed with what it finds; or the given one. */
export function seedOf(name: ProgrammeName): number {
  return asked === name ? Number(seed) : Date.now() % 0x7fff_0000
}
