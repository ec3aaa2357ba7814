// What a long run holds in memory, measured when everything it made has been let go and collected. Called by
// in-process.ts at intervals; protocol.ts judges. Invariant: growth is counted from a run's first tenth on,
// after which the engine has compiled and sized its heaps; without --expose-gc nothing is judged.

export interface MemorySample {
  readonly frames: number
  readonly rssBytes: number
  /** JavaScript's heap and the buffers outside of it. */
  readonly heldBytes: number
}

/** A leak of one byte per frame would hold 9 MB more after ten million. */
const heldGrowthBytesMax = 8 * 1024 * 1024
/** What the allocators keep of freed memory; a leak shows in what is held. */
const rssGrowthBytesMax = 64 * 1024 * 1024
const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`

export function takeMemorySample(frames: number): MemorySample {
  global.gc?.()
  global.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { frames, rssBytes: rss, heldBytes: heapUsed + external }
}

/** The samples as text, and what is wrong with them. */
export function judgeMemory(samples: readonly MemorySample[]): { text: string, violations: string[] } {
  const [before, after] = [samples[Math.ceil(samples.length / 10)], samples.at(-1)]
  if (before === undefined || after === undefined || before === after || global.gc === undefined) {
    return { text: 'memory not measured', violations: [] }
  }
  const held = after.heldBytes - before.heldBytes
  const rss = after.rssBytes - before.rssBytes
  const text = `memory after ${before.frames} frames: ${megabytes(before.heldBytes)} held, `
    + `${megabytes(before.rssBytes)} resident; after ${after.frames}: ${megabytes(after.heldBytes)} held, `
    + `${megabytes(after.rssBytes)} resident; most of ${samples.length} samples: `
    + `${megabytes(Math.max(...samples.map(({ heldBytes }) => heldBytes)))} held, `
    + `${megabytes(Math.max(...samples.map(({ rssBytes }) => rssBytes)))} resident`
  const violations: string[] = []
  if (held > heldGrowthBytesMax) violations.push(`what is held grew by ${megabytes(held)}`)
  if (rss > rssGrowthBytesMax) violations.push(`resident memory grew by ${megabytes(rss)}`)
  return { text, violations }
}
