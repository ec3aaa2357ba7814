// rabbitmqctl and rabbitmq-diagnostics, given their surroundings. Called by run.ts for a program of that
// name and for `leveret rabbitmqctl …`. Invariant: the exit code is RabbitMQ's for the same mistake; stdout
// has what scripts read.

import type { BrokerClient } from '../broker-client.ts'
import { Refused } from '../broker-client.ts'
import { CommandFailed } from '../command-failed.ts'
import type { Surroundings } from '../surroundings.ts'
import { accessCommands } from './access.ts'
import { changeCommands } from './changes.ts'
import { checkCommands } from './checks.ts'
import { listCommands } from './lists.ts'
import { formatTable, formatters } from './table.ts'
import type { Formatter } from './table.ts'
import { ToolFailed, toolExits } from './tool.ts'
import type { ToolCall, ToolCommand, ToolOutput } from './tool.ts'
import { readToolLine, usageText } from './tool-line.ts'
import type { ToolLine } from './tool-line.ts'

export const toolCommands: readonly ToolCommand[] = [
  ...checkCommands, ...listCommands, ...accessCommands, ...changeCommands,
]

/** `argv` without the program's name. */
export async function runTool(
  tool: string, argv: readonly string[], surroundings: Surroundings, broker: BrokerClient, vhost: string,
): Promise<void> {
  try {
    const line = readToolLine(tool, argv, toolCommands)
    await obey(tool, line, surroundings, broker, line.switches.get('vhost') ?? vhost)
    surroundings.exit(toolExits.ok)
  } catch (error) {
    const failure = failureOf(error)
    if (failure === null) throw error
    surroundings.complain(failure.message)
    surroundings.exit(failure.code)
  }
}

async function obey(
  tool: string, { command, name, words, switches }: ToolLine, surroundings: Surroundings,
    broker: BrokerClient,
  vhost: string,
): Promise<void> {
  if (command === null || name === 'help') return help(tool, name, words, surroundings)
  if (switches.has('help')) return surroundings.print(`\n${usageText(tool, command)}\n`)
  const formatter = formatterOf(switches)
  const node = await nodeOf(switches.get('node'), broker)
  const call: ToolCall = { tool, broker, surroundings, words, switches, vhost, node }
  command.check?.(call)
  const isQuiet = ['quiet', 'silent'].some((flag) => switches.has(flag)) || formatter !== 'table'
  const banner = isQuiet ? null : command.banner?.(call) ?? null
  if (banner !== null) surroundings.print(`${banner}\n`)
  const hasHeader = !switches.has('silent') && !switches.has('no-table-headers')
  const text = textOf(await command.run(call), formatter, hasHeader)
  if (text !== '') surroundings.print(text)
}

function textOf(output: ToolOutput, formatter: Formatter, hasHeader: boolean): string {
  if (output === null) return ''
  if (typeof output === 'string') return `${output}\n`
  return formatTable(output, formatter, hasHeader)
}

/** Errors: ToolFailed, also when there is no such command. */
function help(tool: string, name: string, words: readonly string[], surroundings: Surroundings): void {
  const known = toolCommands.map((command) => command.name).toSorted().join('\n   ')
  const general = `\nUsage\n\n${tool} [--node <node>] [--timeout <timeout>] [--longnames] [--quiet] `
    + '<command> '
    + `[<command options>]\n\nAvailable commands:\n\n   ${known}\n\n`
    + 'Every command of Leveret\'s own is in: leveret --help'
  const asked = toolCommands.find((command) => command.name === words[0])
  if (name === 'help') {
    return surroundings.print(`${asked === undefined ? general : `\n${usageText(tool, asked)}`}\n`)
  }
  throw new ToolFailed('usage', name === '' ? general : `\nCommand '${name}' not found. \n${general}`)
}

function formatterOf(switches: ReadonlyMap<string, string>): Formatter {
  const given = switches.get('formatter') ?? 'table'
  const formatter = formatters.find((each) => each === given)
  if (formatter !== undefined) return formatter
  throw new ToolFailed('usage',
    `Error: formatter ${JSON.stringify(given)} is none of ${formatters.join(', ')}`)
}

/** What is done to a node that was named must not happen to another. Errors: ToolFailed 69. */
async function nodeOf(named: string | undefined, broker: BrokerClient): Promise<string> {
  if (named === undefined) return broker.url
  const { name } = await broker.get<{ name: string }>('/cluster-name')
  if (name === named) return name
  throw new ToolFailed('unavailable',
    `Error: unable to perform an operation on node '${named}': the broker at `
    + `${broker.url} is node '${name}'. LEVERET_URL says where the node's HTTP port is.`)
}

/** Null for a fault of ours. */
function failureOf(error: unknown): ToolFailed | null {
  if (error instanceof ToolFailed) return error
  if (error instanceof Refused) {
    return new ToolFailed(error.status === 401 ? 'unavailable' : 'software', `Error:\n${error.message}`)
  }
  if (error instanceof CommandFailed) return new ToolFailed('unavailable', `Error: ${error.message}`)
  return null
}
