// The coordinator's side of the generator: starts its process for one job and waits for the answer. Called by
// the workloads. Invariant: the process is gone when the promise settles, and a job has a bound.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { within } from '../../compat-tests/harness/poll.ts'
import type { Answer, Job, Where } from './job.ts'

const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url))
const BOUND_MS = 1_100_000

export async function generate(job: Job, where: Where): Promise<Answer> {
  const child = fork(PROGRAM, [], {
    execArgv: ['--import', 'tsx'], serialization: 'advanced', stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let complaints = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-2_000)
  })
  const exited = once(child, 'exit')
  const answered = once(child, 'message').then(([answer]) => answer as Answer)
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`the generator ended with code ${String(code)}:\n${complaints}`)
  })
  ended.catch(() => undefined) // the end after an answer is no failure
  try {
    child.send({ job, where: { url: where.url, pids: where.pids } })
    return await within(`the generator's answer to '${job.kind}'`, Promise.race([answered, ended]), BOUND_MS)
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}
