// The generator's process: is sent one job, does it, answers, and ends. Forked by remote-generator.ts.
// Invariant: whatever goes wrong ends the process with the error on stderr; and it never outlives who started
// it.
import { runBacklog } from './backlog.ts'
import { runChurn } from './churn.ts'
import { runFlow } from './flow.ts'
import { runIdle } from './idle.ts'
import type { Answer, Job, Where } from './job.ts'
import { runRoundTrips } from './round-trips.ts'

function run(job: Job, where: Where): Promise<Answer> {
  switch (job.kind) {
    case 'flow': return runFlow(job, where)
    case 'round-trips': return runRoundTrips(job, where)
    case 'churn': return runChurn(job, where)
    case 'idle': return runIdle(job, where)
    case 'backlog': return runBacklog(job, where)
  }
}

process.once('message', ({ job, where }: { job: Job, where: Where }) => {
  void run(job, where).then((answer) => process.send!(answer, () => process.exit(0)))
})
process.on('disconnect', () => process.exit(1))
