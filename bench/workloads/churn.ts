// What it costs to make and unmake a connection, a channel, a queue, a binding, one after the other.
import { cpuPerMillion, surroundings } from '../figures.ts'
import { generate } from '../generator/remote-generator.ts'
import { rate } from '../workload.ts'
import type { Workload } from '../workload.ts'

const things = ['connection', 'channel', 'queue', 'binding'] as const

export const churn: readonly Workload[] = things.map((thing) => ({
  name: `churn-${thing}`,
  what: `a ${thing} made and unmade, durable where it can be, one at a time`,
  async run(target, { warmUpMs, measureMs }) {
    const answer = await generate({ kind: 'churn', of: thing, warmUpMs, measureMs },
      { url: target.url, pids: target.pids() })
    const { operations, seconds } = answer
    return [
      rate('made and unmade', operations / seconds), cpuPerMillion(answer, operations),
      ...surroundings(answer),
    ]
  },
}))
