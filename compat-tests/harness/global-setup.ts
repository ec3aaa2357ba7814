// Starts the brokers once per run and hands them to the test files. Called by vitest (vitest.config.ts).
// LEVERET_COMPAT=leveret-only leaves the reference out, =reference-only leaves Leveret out; anything else is
// refused.

import { randomUUID } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import type { BrokerProcess } from './broker-process.ts'
import { startControl } from './control.ts'
import { findReference } from './find-reference.ts'
import { LeveretProcess } from './leveret-process.ts'
import { makeTarget } from './target.ts'
import type { Target } from './target.ts'

const scopes = ['both', 'leveret-only', 'reference-only']

function say(line: string): void {
  process.stdout.write(`compat: ${line}\n`)
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scope = process.env['LEVERET_COMPAT'] ?? 'both'
  if (!scopes.includes(scope)) {
    throw new Error(`LEVERET_COMPAT is '${scope}', expected one of ${scopes.join(', ')}`)
  }

  const brokers = new Map<Target['label'], BrokerProcess>()
  const control = await startControl(brokers)
  const teardown = async (): Promise<void> => {
    const outcomes = await Promise.allSettled([...brokers.values()].map((broker) => broker.stop()))
    await control.close()
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  try {
    if (scope !== 'reference-only') brokers.set('Leveret', await LeveretProcess.start())
    if (scope !== 'leveret-only') brokers.set('RabbitMQ', await findReference(say))
  } catch (error) {
    await teardown()
    throw error
  }
  const targets = [...brokers].map(([label, broker]) =>
    makeTarget(label, broker, control.url))
  for (const target of targets) say(`${target.label} ${target.version}`)
  project.provide('targets', targets)
  project.provide('runId', randomUUID().slice(0, 8))
  return teardown
}
