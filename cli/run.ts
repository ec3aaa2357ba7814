// The program, given its surroundings: finds out what is asked, resolves the settings, starts. Called by
// main.ts alone. Invariant: until the settings are known to be right nothing is made, opened or listened on.

import { findConfigFile, resolveSettings } from '../broker/config-sources.ts'
import type { Resolved } from '../broker/config-sources.ts'
import { backup } from './backup.ts'
import { check } from './check.ts'
import { readCommandLine } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import { configurationText, helpText } from './help.ts'
import { start } from './start.ts'
import type { StartServer, Surroundings } from './surroundings.ts'

export async function run(surroundings: Surroundings, startServer: StartServer): Promise<void> {
  const { packageVersion } = surroundings
  const { command, settingsArgv, backup: order } = readCommandLine(surroundings.argv)
  if (command === 'help') return printAndExit(surroundings, helpText(packageVersion))
  if (command === 'version') return printAndExit(surroundings, `${packageVersion}\n`)

  const resolved = resolveFromSurroundings(surroundings, settingsArgv)
  if (!resolved.ok) {
    for (const problem of resolved.problems) surroundings.complain(`leveret: ${problem}`)
    surroundings.exit(exitCodes.usage.code)
    return
  }
  if (order !== null) await backup(order, resolved.settings, surroundings)
  else if (command === 'check') check(resolved.settings, surroundings)
  else if (command === 'start') await start(resolved.settings, surroundings, startServer)
  else printAndExit(surroundings, configurationText(resolved.settings, resolved.sources))
}

function resolveFromSurroundings(surroundings: Surroundings, argv: readonly string[]): Resolved {
  const { env, packageVersion } = surroundings
  const fileName = findConfigFile(argv, env)
  try {
    const fileText = fileName === null ? null : surroundings.readText(fileName)
    return resolveSettings({ argv, env, fileText, fileName, packageVersion })
  } catch (error) {
    return { ok: false, problems: [`configuration file ${fileName} cannot be read: ${String(error)}`] }
  }
}

function printAndExit(surroundings: Surroundings, text: string): void {
  surroundings.print(text)
  surroundings.exit(exitCodes.ok.code)
}
