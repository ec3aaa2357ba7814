// The program, given its surroundings: finds out what is asked, resolves the settings, starts or does as the
// command says. Called by main.ts alone. Invariant: until the settings are known to be right nothing is
// made, opened, listened on or sent.

import { findConfigFile, resolveSettings } from '../broker/config-sources.ts'
import type { Resolved } from '../broker/config-sources.ts'
import type { Settings } from '../broker/config.ts'
import { BrokerClient } from './broker-client.ts'
import { CommandFailed } from './command-failed.ts'
import type { Command, Output } from './command.ts'
import { readCommandLine } from './command-line.ts'
import type { CommandLine } from './command-line.ts'
import { exitCodes } from './exit-codes.ts'
import { commandHelp, configurationText, helpText } from './help.ts'
import type { StartServer, Surroundings } from './surroundings.ts'

export async function run(surroundings: Surroundings, startServer: StartServer): Promise<void> {
  try {
    const { programName, argv: [first = '', ...rest] } = surroundings
    if (isTool(programName)) return await obeyTool(programName, surroundings.argv, surroundings)
    if (isTool(first)) return await obeyTool(first, rest, surroundings)
    await obey(readCommandLine(surroundings.argv), surroundings, startServer)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    surroundings.complain(`leveret: ${error.message}`)
    surroundings.exit(exitCodes[error.exit].code)
  }
}

async function obey(line: CommandLine, surroundings: Surroundings, startServer: StartServer): Promise<void> {
  const { packageVersion } = surroundings
  const { printing, command, settingsArgv } = line
  if (printing === 'help') {
    return printAndExit(surroundings, command === null ? helpText(packageVersion) : commandHelp(command))
  }
  if (printing === 'version') return printAndExit(surroundings, `${packageVersion}\n`)

  const resolved = resolveFromSurroundings(surroundings, settingsArgv)
  if (!resolved.ok) return complainAndExit(surroundings, resolved.problems)
  const { settings, sources } = resolved
  if (printing !== null) return printAndExit(surroundings, configurationText(settings, sources))
  if (command !== null) return obeyCommand(command, line, settings, surroundings)
  const { start } = await import('./start.ts')
  await start(settings, surroundings, startServer)
}

/** RabbitMQ's tools, by the name of the program or as the first word. */
const tools: readonly string[] = ['rabbitmqctl', 'rabbitmq-diagnostics', 'rabbitmqadmin']

function isTool(name: string): boolean {
  return tools.includes(name)
}

async function obeyTool(tool: string, argv: readonly string[], surroundings: Surroundings): Promise<void> {
  const resolved = resolveFromSurroundings(surroundings, [])
  if (!resolved.ok) return complainAndExit(surroundings, resolved.problems)
  const { settings } = resolved
  if (tool === 'rabbitmqadmin') {
    const { runAdmin } = await import('./rabbitmq/admin.ts')
    return runAdmin(argv, surroundings, settings)
  }
  const { runTool } = await import('./rabbitmq/run-tool.ts')
  return runTool(tool, argv, surroundings, clientFor(settings), settings.vhost ?? settings.defaultVhost)
}

async function obeyCommand(
  command: Command, { operands, options }: CommandLine, settings: Settings, surroundings: Surroundings,
): Promise<void> {
  const { text, value, exit }: Output = await command.run({
    settings, surroundings, operands, options, broker: clientFor(settings),
  })
  if (!options.has('json')) surroundings.print(text)
  else if (value !== null) surroundings.print(`${JSON.stringify(value)}\n`)
  surroundings.exit(exitCodes[exit ?? 'ok'].code)
}

/** The broker that the settings name: the one on this machine, and its default user, when they name none. */
function clientFor(settings: Settings): BrokerClient {
  const { url, user, password, httpPort, defaultUser, defaultPass } = settings
  return new BrokerClient(url ?? `http://127.0.0.1:${httpPort}`, user ?? defaultUser, password ?? defaultPass)
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

function complainAndExit(surroundings: Surroundings, problems: readonly string[]): void {
  for (const problem of problems) surroundings.complain(`leveret: ${problem}`)
  surroundings.exit(exitCodes.usage.code)
}

function printAndExit(surroundings: Surroundings, text: string): void {
  surroundings.print(text)
  surroundings.exit(exitCodes.ok.code)
}
