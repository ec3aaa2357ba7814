// `npm run bench -- [--only NAME] [--vs amqp://…] [--leveret-only]`: starts Leveret as users start it and the
// reference (the one given, or found as compat-tests find it), runs every workload against one after the
// other, and prints one table. JSON of the run goes beside it, in bench/results/, which git does not keep.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BrokerProcess } from '../compat-tests/harness/broker-process.ts'
import { findReference } from '../compat-tests/harness/find-reference.ts'
import { LeveretProcess } from '../compat-tests/harness/leveret-process.ts'
import { renderTable } from './table.ts'
import type { Row } from './table.ts'
import type { Workload } from './workload.ts'
import { amqplibConfirms } from './workloads/amqplib-confirms.ts'
import { startUp } from './workloads/start-up.ts'

const workloads: readonly Workload[] = [amqplibConfirms, startUp]
const results = join(import.meta.dirname, 'results')

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    vs: { type: 'string' },
    'leveret-only': { type: 'boolean', default: false },
  },
})

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

async function measure(name: string, broker: BrokerProcess, chosen: readonly Workload[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const workload of chosen) {
    say(`${name} ${broker.version}: ${workload.name}`)
    const figures = await workload.run(broker.url)
    rows.push({ workload: workload.name, broker: `${name} ${broker.version}`, figures })
  }
  return rows
}

const chosen = workloads.filter(({ name }) => options.only === undefined || name === options.only)
if (chosen.length === 0) {
  throw new Error(`no workload '${options.only}'; there are ${workloads.map(({ name }) => name).join(', ')}`)
}
if (options.vs !== undefined) process.env['RABBITMQ_URL'] = options.vs
const rows: Row[] = []
const leveret = await LeveretProcess.start()
try {
  rows.push(...await measure('Leveret', leveret, chosen))
} finally {
  await leveret.stop()
}
if (!options['leveret-only']) {
  const reference = await findReference(say)
  try {
    rows.push(...await measure('RabbitMQ', reference, chosen.filter(({ isLeveretOnly }) => !isLeveretOnly)))
  } finally {
    await reference.stop()
  }
}
say(`\n${renderTable(rows)}`)
mkdirSync(results, { recursive: true })
const startedAt = new Date().toISOString().replaceAll(':', '-')
writeFileSync(join(results, `${startedAt}.json`), JSON.stringify(rows, null, 2))
