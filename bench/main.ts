// `npm run bench -- [options]`: starts Leveret as users start it and the reference (the one given, or found
// as compat-tests find it), runs every workload against both in turn, and prints one table. JSON of the run
// goes beside it, in bench/results/, which git does not keep. A workload that fails is reported and ends the
// run with code 1, after the others.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startLeveret, startReference } from './brokers.ts'
import type { RunningBroker } from './brokers.ts'
import { medianRows, renderTable, show } from './table.ts'
import type { Row } from './table.ts'
import type { Timing, Workload } from './workload.ts'
import { amqplibConfirms } from './workloads/amqplib-confirms.ts'
import { browse } from './workloads/browse.ts'
import { checkpoints } from './workloads/checkpoint.ts'
import { churn } from './workloads/churn.ts'
import { deepBacklogs } from './workloads/deep-backlog.ts'
import { delayed } from './workloads/delayed.ts'
import { flows, lastFlows } from './workloads/flows.ts'
import { listQueues } from './workloads/list-queues.ts'
import { lastMemoryWorkloads, memoryWorkloads } from './workloads/memory.ts'
import { recovery } from './workloads/recovery.ts'
import { roundTrips } from './workloads/round-trips.ts'
import { startUp } from './workloads/start-up.ts'
import { storePaths } from './workloads/store-path.ts'

const workloads: readonly Workload[] = [
  ...flows, ...roundTrips, ...churn, ...memoryWorkloads, ...recovery, startUp, ...checkpoints, ...storePaths,
  delayed, browse, listQueues, amqplibConfirms, ...lastFlows, ...deepBacklogs, ...lastMemoryWorkloads,
]
const steady: Timing = { warmUpMs: 1_000, measureMs: 3_000, divisor: 1 }
const quick: Timing = { warmUpMs: 300, measureMs: 700, divisor: 10 }
const results = join(import.meta.dirname, 'results')

const { values: options } = parseArgs({
  options: {
    'only': { type: 'string' },
    'vs': { type: 'string' },
    'rounds': { type: 'string', default: '1' },
    'leveret-only': { type: 'boolean', default: false },
    'quick': { type: 'boolean', default: false },
    'list': { type: 'boolean', default: false },
  },
})

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

function choose(only: string | undefined): readonly Workload[] {
  if (only === undefined) return workloads
  const wanted = only.split(',')
  const isWanted = (name: string): boolean =>
    wanted.some((want) => want === name || (want.endsWith('*') && name.startsWith(want.slice(0, -1))))
  const chosen = workloads.filter(({ name }) => isWanted(name))
  if (chosen.length === 0) {
    throw new Error(`no workload '${only}': --list names them; a trailing * is a prefix`)
  }
  return chosen
}

async function measure(workload: Workload, broker: RunningBroker, timing: Timing): Promise<Row | null> {
  if (workload.isLeveretOnly === true && broker.isReference) return null
  const startedAt = performance.now()
  try {
    if (workload.isOnFreshBroker === true) await broker.restart?.('SIGTERM')
    const figures = await workload.run(broker, timing)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const shown = figures.map((figure) => `${figure.name} ${show(figure)}`).join(', ')
    say(`${broker.name}: ${workload.name} (${seconds} s): ${shown}`)
    return { workload: workload.name, broker: broker.name, figures }
  } catch (error) {
    say(`FAILED ${workload.name} against ${broker.name}: ${String(error)}`)
    process.exitCode = 1
    return null
  }
}

/** Round by round the other broker goes first: neither always meets the machine as the other left it. */
async function measureAll(
  brokers: readonly RunningBroker[], chosen: readonly Workload[], rows: Row[],
): Promise<void> {
  for (let round = 0; round < Number(options.rounds); round++) {
    const inTurn = round % 2 === 0 ? brokers : brokers.toReversed()
    for (const workload of chosen) {
      for (const broker of inTurn) {
        const row = await measure(workload, broker, options.quick ? quick : steady)
        if (row !== null) rows.push(row)
      }
    }
  }
}

function keep(rows: readonly Row[]): void {
  mkdirSync(results, { recursive: true })
  const at = new Date().toISOString()
  const file = join(results, `${at.replaceAll(':', '-')}.json`)
  writeFileSync(file, JSON.stringify({ at, node: process.version, options, rows }, null, 2))
  say(`\nevery round as JSON: ${file}`)
}

async function main(): Promise<void> {
  const chosen = choose(options.only)
  if (options.list) return chosen.forEach(({ name, what }) => say(`${name.padEnd(22)}${what}`))
  const brokers: RunningBroker[] = []
  const rows: Row[] = []
  try {
    brokers.push(await startLeveret())
    if (!options['leveret-only']) brokers.push(await startReference(options.vs, say))
    await measureAll(brokers, chosen, rows)
  } finally {
    say(`\n${renderTable(medianRows(rows), brokers.map(({ name }) => name))}`)
    keep(rows)
    await stopAll(brokers)
  }
}

/** One that does not stop in good order keeps no other from being stopped. */
async function stopAll(brokers: readonly RunningBroker[]): Promise<void> {
  for (const end of await Promise.allSettled(brokers.map((broker) => broker.stop()))) {
    if (end.status === 'fulfilled') continue
    say(`FAILED to stop a broker: ${String(end.reason)}`)
    process.exitCode = 1
  }
}

await main()
