// The client libraries people use, each in the scenarios of scenarios.ts, against both brokers: what a
// program saw on Leveret is what it saw on RabbitMQ, and what every library has to see. Also keeps
// docs/clients.md true.

import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { Target } from '../harness/target.ts'
import { pageOf, tableOf } from './clients-page.ts'
import type { Row } from './clients-page.ts'
import { libraries } from './libraries.ts'
import type { Library } from './libraries.ts'
import { keyOf, play, playedOf } from './play.ts'
import type { Transcripts } from './play.ts'
import { scenarios } from './scenarios.ts'
import type { ScenarioName, Seen } from './scenarios.ts'
import { versionOf } from './versions.ts'

const page = resolve(import.meta.dirname, '../../docs/clients.md')
const targets = inject('targets')
let transcripts: Transcripts

beforeAll(async () => {
  transcripts = await play(targets, libraries)
}, 240_000)

/** A scenario's lines without what names the library: the same for all of them. */
function seen(target: Target, library: Library, scenario: ScenarioName): unknown[] {
  const { lines, stderr } = transcripts.get(keyOf(target, library))!
  const mine = lines.filter((line) => line.scenario === scenario)
  if (mine.at(-1)?.['ended'] !== true) return [...mine, { stderr }]
  return mine.map((line) => {
    const said = Object.fromEntries(Object.entries(line).filter(([key]) => key !== 'scenario'))
    return JSON.parse(JSON.stringify(said).replaceAll(`${library.prefix}.`, '')) as unknown
  })
}

/** What of a scenario this library can show. A line of which nothing is left is not expected. */
function expected({ hides = [] }: Library, scenario: ScenarioName): unknown[] {
  const sees: readonly Seen[] = scenarios[scenario].sees
  const shown = sees
    .map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => !hides.includes(key))))
    .filter((line) => Object.keys(line).length > 0)
  return [...shown, { ended: true }]
}

describe.each(libraries)('$name', (library) => {
  test.each(playedOf(library, targets))('%s', (scenario) => {
    const saw = targets.map((target) => ({ broker: target.label, saw: seen(target, library, scenario) }))
    const all = expected(library, scenario)
    expect(saw).toEqual(targets.map((target) => ({ broker: target.label, saw: all })))
  })
})

async function rowOf(library: Library): Promise<Row> {
  const passed = playedOf(library, targets).map((scenario) => {
    const all = expected(library, scenario)
    const labels = targets.filter((target) => isDeepStrictEqual(seen(target, library, scenario), all))
    return [scenario, labels.map((target) => target.label)] as const
  })
  return { library, version: await versionOf(library), passed: new Map(passed) }
}

// The page is about both brokers and their restart: a run without one of them does not judge it.
const isComplete = targets.length === 2 && targets.every((target) => target.canRestart)

test.each(isComplete ? ['docs/clients.md'] : [])('%s says what this run shows', async () => {
  const rows = await Promise.all(libraries.map(rowOf))
  process.stdout.write(`${tableOf(rows, targets.length)}\n`)
  const text = pageOf(rows, targets.length)
  if (process.env['LEVERET_CLIENTS_REPORT'] === '1') await writeFile(page, text)
  expect(await readFile(page, 'utf8'), 'stale: run npm run clients:report').toBe(text)
})
