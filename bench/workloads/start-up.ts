// How long a user waits for an empty broker: from the start of the process to "Server startup complete", as
// it prints it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { percentile } from '../workload.ts'
import type { Workload } from '../workload.ts'

const STARTS = 11
const program = join(import.meta.dirname, '../../dist/bin/main.js')

export const startUp: Workload = {
  name: 'start-up',
  what: `median and slowest of ${STARTS} starts on an empty data directory`,
  isLeveretOnly: true,
  async run() {
    const times: number[] = []
    for (let n = 0; n < STARTS; n++) times.push(await startOnce())
    times.sort((a, b) => a - b)
    return [
      { name: 'ready, median', value: percentile(times, 0.5), unit: 'ms', better: 'lower' },
      { name: 'ready, slowest', value: times.at(-1)!, unit: 'ms', better: 'lower' },
    ]
  },
}

async function startOnce(): Promise<number> {
  const data = mkdtempSync(join(tmpdir(), 'leveret-bench-'))
  const child = spawn(process.execPath, [program, '--data', data, '--amqp-port', '0', '--http-port', '0'])
  let output = ''
  for await (const chunk of child.stdout) {
    output += String(chunk)
    const match = /complete in (\d+) ms/.exec(output)
    if (match === null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
    rmSync(data, { recursive: true, force: true })
    return Number(match[1])
  }
  throw new Error(`Leveret did not start; it printed:\n${output}`)
}
