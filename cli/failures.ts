// Why the broker could not start, in one line that says what to do, and the exit code. A row per cause, the
// first that fits wins. Errors of the store are known by name, because they may have crossed a thread and
// lost their class.

import { resolve } from 'node:path'
import { flagOf, settingRows } from '../broker/config.ts'
import type { SettingName, Settings } from '../broker/config.ts'
import type { ExitName } from './exit-codes.ts'

export interface Failure {
  readonly exit: ExitName
  readonly line: string
}

/** Node's and SQLite's errors carry some of these. */
interface Known {
  readonly name: string
  readonly message: string
  readonly code: string
  readonly syscall: string
  readonly port: number
}

interface Cause {
  readonly fits: (error: Known) => boolean
  readonly exit: ExitName
  readonly say: (error: Known, settings: Settings) => string
}

const causes: readonly Cause[] = [
  {
    fits: ({ code }) => code === 'EADDRINUSE', exit: 'unavailable',
    say: ({ port }, settings) =>
      `port ${port} on ${settings.host} is taken (EADDRINUSE): stop the program that `
      + `listens there, or choose another port with ${portFlags(port, settings)} (0 takes a free one)`,
  },
  {
    fits: ({ code, syscall }) => code === 'EACCES' && syscall === 'listen', exit: 'unavailable',
    say: ({ port }, settings) =>
      `may not listen on port ${port} (EACCES): choose one above 1023 with ${portFlags(port, settings)}`,
  },
  {
    fits: ({ syscall }) => syscall === 'listen' || syscall === 'getaddrinfo', exit: 'unavailable',
    say: ({ code }, settings) =>
      `cannot listen on ${settings.host} (${code}): --host must be an address of this machine`,
  },
  {
    fits: ({ name }) => name === 'TlsFilesUnusable', exit: 'usage',
    say: ({ message }) => message,
  },
  {
    // Their own messages say what to do; which flag it takes is known here.
    fits: ({ name }) => name === 'DataDirectoryHeld' || name === 'DataDirectoryNewer', exit: 'dataDirectory',
    say: ({ message }) => `${message} (--data names the directory)`,
  },
  {
    fits: ({ name }) => name === 'DefinitionsUnusable', exit: 'usage',
    say: ({ message }) => `${message} (--load-definitions names the file)`,
  },
  {
    fits: ({ code }) => ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EEXIST', 'ENOTDIR', 'ENOENT'].includes(code),
    exit: 'dataDirectory',
    say: ({ message }, settings) =>
      `data directory ${resolve(settings.dataDirectory)} cannot be used (${message}): `
      + 'let this user write there, or choose another directory with --data',
  },
  {
    // From the store thread the code comes as part of the message.
    fits: ({ code, message }) => /SQLITE_[A-Z]/.test(`${code} ${message}`), exit: 'dataDirectory',
    say: ({ code, message }, settings) =>
      `the database in ${resolve(settings.dataDirectory)} cannot be used (${`${code} ${message}`.trim()}): `
      + '`leveret check` says what is damaged; restore a backup, or choose another directory with --data',
  },
]

export function describeFailure(error: unknown, settings: Settings): Failure {
  const known = readError(error)
  const cause = causes.find(({ fits }) => fits(known))
  if (cause === undefined) return { exit: 'internal', line: oneLine(`could not start: ${known.message}`) }
  return { exit: cause.exit, line: oneLine(cause.say(known, settings)) }
}

function readError(error: unknown): Known {
  const blank = { code: '', syscall: '', port: 0 }
  if (!(error instanceof Error)) return { ...blank, name: '', message: String(error) }
  return { ...blank, ...error, name: error.name, message: error.message }
}

const portSettings: ReadonlySet<SettingName> = new Set(['amqpPort', 'tlsPort', 'httpPort', 'prometheusPort'])

/** The flags of the settings that hold this port; all, when somebody gave one port to several listeners. */
function portFlags(port: number, settings: Settings): string {
  return settingRows
    .filter(([name]) => portSettings.has(name) && settings[name] === port)
    .map(([, row]) => flagOf(row))
    .join(' or ')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
