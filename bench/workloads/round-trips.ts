// Requests answered through direct reply-to: one in flight, where latency is all, and fifty.
import { cpuPerMillion, latencies, surroundings } from '../figures.ts'
import { generate } from '../generator/remote-generator.ts'
import { rate } from '../workload.ts'
import type { Workload } from '../workload.ts'

export const roundTrips: readonly Workload[] = [1, 50].map((inFlight) => ({
  name: `round-trips-${inFlight}`,
  what: `request and reply by direct reply-to, 16 B, ${inFlight} in flight`,
  async run(target, { warmUpMs, measureMs }) {
    const answer = await generate({ kind: 'round-trips', inFlight, warmUpMs, measureMs },
      { url: target.url, pids: target.pids() })
    const { operations, seconds, latency } = answer
    return [
      rate('round trips', operations / seconds), ...latencies('round trip', latency),
      cpuPerMillion(answer, operations), ...surroundings(answer),
    ]
  },
}))
