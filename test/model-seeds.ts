// Runs of a model test, a seed each: what went wrong, for the first few seeds where something did.

const SHOWN_MAX = 5

/** `run` throws when the model and what it is compared with disagree. */
export function failuresOf(seeds: number, run: (seed: number) => void): string[] {
  const failures: string[] = []
  for (let seed = 1; seed <= seeds && failures.length < SHOWN_MAX; seed++) {
    try {
      run(seed)
    } catch (error) {
      failures.push(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return failures
}
