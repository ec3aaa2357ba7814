// What was typed behind rabbitmqctl or rabbitmq-diagnostics: the command wherever it stands, switches before
// and after it, RabbitMQ's short forms. Called by run-tool.ts.

import type { ToolCommand } from './tool.ts'
import { ToolFailed } from './tool.ts'

/** Of every command. */
const general = ['node:text', 'timeout:text', 'formatter:text', 'vhost:text', 'quiet', 'silent',
  'longnames', 'help',
  'no-table-headers', 'table-headers', 'offline', 'printer:text', 'script-name:text', 'dry-run']
const short: Readonly<Record<string, string>> = {
  n: 'node', t: 'timeout', p: 'vhost', q: 'quiet', s: 'silent', l: 'longnames', e: 'if-empty', u: 'if-unused',
}

export interface ToolLine {
  /** Null when there is none. */
  readonly command: ToolCommand | null
  /** As it was typed. */
  readonly name: string
  readonly words: readonly string[]
  readonly switches: ReadonlyMap<string, string>
}

/** Errors: ToolFailed. */
export function readToolLine(
  tool: string, argv: readonly string[], commands: readonly ToolCommand[],
): ToolLine {
  const known = new Set([...general, ...commands.flatMap(({ switches }) => switches ?? [])])
  const words: string[] = []
  const switches = new Map<string, string>()
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    const name = switchName(argument)
    if (name === null || words.includes('--')) words.push(argument)
    else if (known.has(`${name.flag}:text`)) switches.set(name.flag, name.value ?? argv[++at] ?? '')
    else switches.set(name.flag, name.value ?? '')
  }
  const [name = '', ...rest] = words.filter((word) => word !== '--')
  const command = commands.find((each) => each.name === name) ?? null
  if (command !== null) checkUse(tool, command, rest, switches, argv)
  return { command, name, words: rest, switches }
}

/** Null for a word, `-` and negative numbers among them. */
function switchName(argument: string): { readonly flag: string; readonly value: string | null } | null {
  const long = /^--([a-z][a-z_-]*)(?:=([\s\S]*))?$/i.exec(argument)
  if (long !== null) return { flag: long[1]!.replaceAll('_', '-'), value: long[2] ?? null }
  const letter = /^-([a-z?])$/i.exec(argument)
  if (letter === null) return null
  return { flag: letter[1] === '?' ? 'help' : short[letter[1]!] ?? letter[1]!, value: null }
}

function checkUse(
  tool: string, command: ToolCommand, words: readonly string[], switches: ReadonlyMap<string, string>,
  argv: readonly string[],
): void {
  const own = [...general, ...command.switches ?? []].map((each) => each.replace(':text', ''))
  const unknown = [...switches.keys()].filter((name) => !own.includes(name))
  const [min, max] = command.words
  if (unknown.length > 0) {
    const list = unknown.map((name) => `--${name} : ${switches.get(name) ?? ''}`).join('\n')
    throw wrongUse(tool, command, argv, `Invalid options for this command:\n${list}`)
  }
  if (words.length < min) throw wrongUse(tool, command, argv, 'not enough arguments.')
  if (words.length > max) throw wrongUse(tool, command, argv, 'too many arguments.')
}

export function wrongUse(
  tool: string, command: ToolCommand, argv: readonly string[], problem: string,
  exit: 'usage' | 'dataError' = 'usage',
): ToolFailed {
  return new ToolFailed(exit,
    `Error (argument validation): ${problem}\nArguments given:\n\t${argv.join(' ')}\n\n`
    + usageText(tool, command))
}

export function usageText(tool: string, { name, usage }: ToolCommand): string {
  return `Usage\n\n${tool} [--node <node>] [--longnames] [--quiet] ${name} ${usage}`.trimEnd()
}
