// What the program can be asked instead of to start. Found before the settings are read, so that --help
// answers however wrong the rest is. A flag's value cannot be taken for one: values that start with dashes
// need --flag=value.

export const commands = [
  { name: 'help', flags: ['--help', '-h'], doc: 'prints this' },
  { name: 'version', flags: ['--version', '-v'], doc: 'prints the version' },
  { name: 'print-config', flags: ['--print-config'], doc: 'prints every setting and its source' },
] as const

export type CommandName = (typeof commands)[number]['name'] | 'start'

export interface CommandLine {
  readonly command: CommandName
  /** What is left: flags of settings. */
  readonly settingsArgv: readonly string[]
}

export function readCommandLine(argv: readonly string[]): CommandLine {
  const words = argv[0] === 'start' ? argv.slice(1) : argv
  const asked = commands.find(({ flags }) => flags.some((flag) => words.includes(flag)))
  const allFlags: readonly string[] = commands.flatMap(({ flags }) => flags)
  return { command: asked?.name ?? 'start', settingsArgv: words.filter((word) => !allFlags.includes(word)) }
}
