// What the program can be asked instead of to start. Found before the settings are read, so that --help
// answers however wrong the rest is. A flag's value cannot be taken for one: values that start with dashes
// need --flag=value.

export const commands = [
  { name: 'help', flags: ['--help', '-h'], doc: 'prints this' },
  { name: 'version', flags: ['--version', '-v'], doc: 'prints the version' },
  { name: 'print-config', flags: ['--print-config'], doc: 'prints every setting and its source' },
] as const

/** First words. Settings count for them too: --data names the directory. */
export const subcommands = [
  {
    name: 'check', usage: 'check',
    doc: 'reads the whole data directory, also beside a running broker, and names what is damaged',
  },
  {
    name: 'backup', usage: 'backup FILE [--force] [--url URL] [--user NAME] [--password TEXT]',
    doc: 'copies the data to FILE: of a running broker, asked over HTTP as an administrator, or of a '
      + 'directory that no broker uses. --force overwrites FILE',
  },
] as const

export type CommandName = (typeof commands)[number]['name'] | 'check' | 'start'

export interface BackupOrder {
  /** Null when none was named. */
  readonly file: string | null
  readonly overwrites: boolean
  /** Null: the broker of the data directory, or the directory itself. */
  readonly url: string | null
  readonly user: string | null
  readonly password: string | null
}

export interface CommandLine {
  readonly command: CommandName | 'backup'
  /** What is left: flags of settings. */
  readonly settingsArgv: readonly string[]
  /** Null for other commands. */
  readonly backup: BackupOrder | null
}

export function readCommandLine(argv: readonly string[]): CommandLine {
  const [first = ''] = argv
  const isNamed = first === 'start' || first === 'check' || first === 'backup'
  const words = isNamed ? argv.slice(1) : argv
  const asked = commands.find(({ flags }) => flags.some((flag) => words.includes(flag)))
  const allFlags: readonly string[] = commands.flatMap(({ flags }) => flags)
  const settingsArgv = words.filter((word) => !allFlags.includes(word))
  if (asked !== undefined) return { command: asked.name, settingsArgv, backup: null }
  if (first === 'backup') return readBackup(settingsArgv)
  return { command: first === 'check' ? 'check' : 'start', settingsArgv, backup: null }
}

/** Takes out what is the backup's own; a word after a flag of another is that flag's value. */
function readBackup(words: readonly string[]): CommandLine {
  const own = new Map<string, string>()
  const settingsArgv: string[] = []
  for (let at = 0; at < words.length; at++) {
    const [, flag = '', inline = null] = /^([^=]*)=?([\s\S]*)?$/.exec(words[at]!) ?? []
    const isOwn = ['--url', '--user', '--password'].includes(flag)
    if (flag === '--force') own.set(flag, '')
    else if (isOwn) own.set(flag, words[at]!.includes('=') ? inline ?? '' : words[++at] ?? '')
    else if (flag.startsWith('--')) {
      settingsArgv.push(words[at]!)
      if (!words[at]!.includes('=') && words[at + 1] !== undefined) settingsArgv.push(words[++at]!)
    } else if (own.has('file')) settingsArgv.push(words[at]!)
    else own.set('file', words[at]!)
  }
  const backup = {
    file: own.get('file') ?? null, overwrites: own.has('--force'), url: own.get('--url') ?? null,
    user: own.get('--user') ?? null, password: own.get('--password') ?? null,
  }
  return { command: 'backup', settingsArgv, backup }
}
