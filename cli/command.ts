// The shape of a command: a row that gives what the command line may hold, the help, the reference page and
// what is done. Rows lie in commands/, commands.ts has all of them, run.ts calls them. Invariant: a command
// returns what is to be shown, as a value for programs and as text for people, or throws; it prints nothing
// itself.

import type { Settings } from '../broker/config.ts'
import type { BrokerClient } from './broker-client.ts'
import { CommandFailed, usageError } from './command-failed.ts'
import type { ExitName } from './exit-codes.ts'
import type { Surroundings } from './surroundings.ts'

export interface Option {
  /** Without the dashes. */
  readonly name: string
  /** What its value is called in the usage; null for one without a value. */
  readonly value: string | null
  readonly doc: string
}

export interface Command {
  /** What is typed after `leveret`. */
  readonly words: string
  /** `NAME` has to be there, `[NAME]` may be, `[NAME…]` may be any number: in this order. */
  readonly operands: string
  readonly options: readonly Option[]
  /** A sentence or two in Markdown. */
  readonly doc: string
  readonly run: (call: Call) => Output | Promise<Output>
}

export interface Output {
  /** What `--json` prints. */
  readonly value: unknown
  /** With its newline; printed as it is. */
  readonly text: string
  /** Without it: ok. */
  readonly exit?: ExitName
}

/** A command as somebody called it. */
export interface Call {
  readonly settings: Settings
  readonly surroundings: Surroundings
  readonly broker: BrokerClient
  /** Empty for one that was not given. */
  readonly operands: readonly string[]
  readonly options: ReadonlyMap<string, string>
}

/** For a command that has changed something: a line for people, and the same under `done` for programs. */
export function done(line: string): Output {
  return { value: { done: line }, text: `${line}\n` }
}

/** The vhost to act in. */
export function vhostOf({ settings }: Call): string {
  return settings.vhost ?? settings.defaultVhost
}

/** What a file holds, or, for `-`, stdin. Errors: CommandFailed. */
export async function readOperand({ surroundings }: Call, file: string): Promise<string> {
  if (file === '-') return (await surroundings.readInput()).toString('utf8')
  try {
    return surroundings.readText(file)
  } catch (error) {
    throw new CommandFailed('noInput', `${file} cannot be read: ${String(error)}`)
  }
}

/** Errors: CommandFailed. */
export function integerOption(call: Call, name: string, otherwise: number, max: number): number {
  const given = call.options.get(name)
  if (given === undefined) return otherwise
  const number = /^\d{1,15}$/.test(given) ? Number(given) : NaN
  if (number >= 1 && number <= max) return number
  throw usageError(`--${name}: ${JSON.stringify(given)} is not an integer from 1 to ${max}`)
}

/** An object that somebody typed as JSON; `{}` when it was not given. Errors: CommandFailed. */
export function jsonObject(what: string, text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CommandFailed('dataError', `${what}: ${JSON.stringify(text)} is not a JSON object`)
}

/** `A` for one that has to be there, `[A]`, `[A…]`. */
export function operandsOf({ operands }: Pick<Command, 'operands'>): {
  readonly min: number
  readonly max: number
} {
  const names = operands.split(' ').filter((name) => name !== '')
  return {
    min: names.filter((name) => !name.startsWith('[')).length,
    max: names.some((name) => name.includes('…')) ? Infinity : names.length,
  }
}

export function usageOf({ words, operands, options }: Command): string {
  const flags = options.map(({ name, value }) => `[--${name}${value === null ? '' : ` ${value}`}]`)
  return [words, operands, ...flags].filter((part) => part !== '').join(' ')
}
