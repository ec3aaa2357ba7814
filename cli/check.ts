// `leveret check`: reads a data directory and says what is damaged, one line each. Called by run.ts.

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Settings } from '../broker/config.ts'
import { checkDatabase } from '../store/sqlite/check.ts'
import { describeFailure } from './failures.ts'
import { exitCodes } from './exit-codes.ts'
import type { Surroundings } from './surroundings.ts'

export function check(settings: Settings, surroundings: Surroundings): void {
  const file = join(resolve(settings.dataDirectory), 'leveret.db')
  if (!existsSync(file)) {
    surroundings.complain(`leveret: there is no ${file}: --data names the directory`)
    return surroundings.exit(exitCodes.dataDirectory.code)
  }
  try {
    const { findings, messages, queues, parked } = checkDatabase(file)
    for (const finding of findings) surroundings.print(`${finding}\n`)
    surroundings.print(findings.length === 0
      ? `${file} is whole: ${messages} messages, ${queues} queues${parkedText(parked)}\n`
      : `${file} is damaged in ${findings.length} places: stop the broker, and restore a backup\n`)
    surroundings.exit(findings.length === 0 ? exitCodes.ok.code : exitCodes.notSo.code)
  } catch (error) {
    const { exit, line } = describeFailure(error, settings)
    surroundings.complain(`leveret: ${line}`)
    surroundings.exit(exitCodes[exit].code)
  }
}

function parkedText(parked: number): string {
  return parked === 0 ? '' : `; ${parked} damaged messages were parked in the table 'damaged' before`
}
