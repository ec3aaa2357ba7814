// Seeds that once failed: each stays for ever (etcd's rule), with what it found. A seed is a history only
// together with the simulation that ran it, so a row also names the test that pins the bug by itself: that
// one stays true when the simulation changes. Read by sim.test.ts.

interface OnceFailed {
  readonly seed: number
  readonly found: string
  /** File and test. */
  readonly pinnedBy: string
}

export const onceFailed: readonly OnceFailed[] = []
