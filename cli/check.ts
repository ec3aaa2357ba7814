// `leveret check`: reads a data directory and says what is damaged, one line each. Called by
// commands/upkeep.ts.

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkDatabase } from '../store/sqlite/check.ts'
import { CommandFailed } from './command-failed.ts'
import type { Call, Output } from './command.ts'
import { describeFailure } from './failures.ts'

export function check({ settings }: Call): Output {
  const file = join(resolve(settings.dataDirectory), 'leveret.db')
  if (!existsSync(file)) {
    throw new CommandFailed('dataDirectory', `there is no ${file}: --data names the directory`)
  }
  try {
    const report = checkDatabase(file)
    const { findings, messages, queues, parked } = report
    const isWhole = findings.length === 0
    const summary = isWhole
      ? `${file} is whole: ${messages} messages, ${queues} queues${parkedText(parked)}`
      : `${file} is damaged in ${findings.length} places: stop the broker, and restore a backup`
    const text = [...findings, summary].map((line) => `${line}\n`).join('')
    return { value: report, text, exit: isWhole ? 'ok' : 'notSo' }
  } catch (error) {
    const { exit, line } = describeFailure(error, settings)
    throw new CommandFailed(exit, line)
  }
}

function parkedText(parked: number): string {
  return parked === 0 ? '' : `; ${parked} damaged messages were parked in the table 'damaged' before`
}
