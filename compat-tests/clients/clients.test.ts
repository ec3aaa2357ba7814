// The client libraries people use, each in the scenarios of scenarios.ts, against both brokers: what a
// program saw on Leveret is what it saw on RabbitMQ, and what every library has to see.

import { beforeAll, describe, expect, inject, test } from 'vitest'
import { libraries } from './libraries.ts'
import type { Library } from './libraries.ts'
import { keyOf, play } from './play.ts'
import type { Transcripts } from './play.ts'
import { scenarios } from './scenarios.ts'

const targets = inject('targets')
let transcripts: Transcripts

beforeAll(async () => {
  transcripts = await play(targets, libraries)
}, 240_000)

/** A scenario's lines without what names the library: the same for all of them. */
function seen(key: string, { prefix }: Library, scenario: string): unknown[] {
  const { lines, stderr } = transcripts.get(key)!
  const mine = lines.filter((line) => line.scenario === scenario)
  if (mine.length === 0) return [`nothing of ${scenario}; on stderr: ${stderr}`]
  return mine.map((line) => {
    const said = Object.entries(line).filter(([key]) => key !== 'scenario')
    return JSON.parse(JSON.stringify(Object.fromEntries(said)).replaceAll(`${prefix}.`, '')) as unknown
  })
}

describe.each(libraries)('$name', (library) => {
  test.each(library.plays.map((name) => ({ name, ...scenarios[name] })))('$title', ({ name, sees }) => {
    const everywhere = targets.map((target) => ({
      broker: target.label, saw: seen(keyOf(target, library), library, name),
    }))
    expect(everywhere).toEqual(targets.map((target) => ({
      broker: target.label, saw: [...sees, { ended: true }],
    })))
  })
})
