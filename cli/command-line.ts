// The words behind `leveret`, sorted: which command, its own options and operands, and what is left for the
// settings. Called by run.ts. A flag of a setting takes the next word, so that the two cannot be confused;
// values that start with dashes need --flag=value.

import { suggestName } from '../broker/nearest-name.ts'
import { usageError } from './command-failed.ts'
import type { Command, Option } from './command.ts'
import { commands, jsonOption, printingFlags } from './commands.ts'
import { operandsOf, usageOf } from './command.ts'

export type Printing = (typeof printingFlags)[number]['name']

export interface CommandLine {
  /** Null: nothing is only to be printed. */
  readonly printing: Printing | null
  /** Null: the broker is to start. */
  readonly command: Command | null
  readonly operands: readonly string[]
  readonly options: ReadonlyMap<string, string>
  /** Flags of settings, and what else `start` was given. */
  readonly settingsArgv: readonly string[]
}

/** Errors: CommandFailed. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const [first = ''] = argv
  const command = findCommand(argv)
  const words = command === null ? argv.slice(first === 'start' ? 1 : 0)
    : argv.slice(command.words.split(' ').length)
  const printing = printingFlags.find(({ flags }) => flags.some((flag) => words.includes(flag)))
  const isPrinting = (word: string): boolean => printingFlags.some(({ flags }) =>
    (flags as readonly string[]).includes(word))
  const rest = words.filter((word) => !isPrinting(word))
  const nothing = { operands: [], options: new Map<string, string>() }
  if (printing !== undefined) return { printing: printing.name, command, ...nothing, settingsArgv: rest }
  if (command === null) return { printing: null, command, ...nothing, settingsArgv: rest }
  return readWords(command, rest)
}

/** The one with the most words. Errors: CommandFailed for a first word that begins none. */
function findCommand(argv: readonly string[]): Command | null {
  const [first = '', second = ''] = argv
  if (first === '' || first === 'start' || first.startsWith('-')) return null
  const found = commands.find(({ words }) => words === `${first} ${second}`)
    ?? commands.find(({ words }) => words === first)
  if (found !== undefined) return found
  const seconds = commands.flatMap(({ words }) => (words.startsWith(`${first} `) ? [words.split(' ')[1]!]
    : []))
  if (seconds.length > 0) {
    const wrong = second === '' ? '' : `; not ${JSON.stringify(second)}`
    throw usageError(`${first} what? ${seconds.join(', ')}${wrong}`)
  }
  const firsts = [...new Set(['start', ...commands.map(({ words }) => words.split(' ')[0]!)])]
  throw usageError(`unknown command ${JSON.stringify(first)}${suggestName(first, firsts)}; --help lists them`)
}

function readWords(command: Command, words: readonly string[]): CommandLine {
  const known: readonly Option[] = [...command.options, jsonOption]
  const operands: string[] = []
  const options = new Map<string, string>()
  const settingsArgv: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (!word.startsWith('--')) {
      operands.push(word)
      continue
    }
    const [, flag = '', inline = null] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? []
    const option = known.find(({ name }) => name === flag)
    if (option?.value === null) options.set(flag, '')
    else if (option !== undefined) options.set(flag, inline ?? words[++at] ?? missing(option))
    else {
      settingsArgv.push(word)
      if (inline === null && words[at + 1] !== undefined) settingsArgv.push(words[++at]!)
    }
  }
  const { min, max } = operandsOf(command)
  if (operands.length < min || operands.length > max) throw usageError(`usage: leveret ${usageOf(command)}`)
  return { printing: null, command, operands, options, settingsArgv }
}

function missing({ name, value }: Option): never {
  throw usageError(`--${name} needs ${value}`)
}
