// What the program can be asked instead of to start: flags that print, and commands. Found before the
// settings are read, so that --help answers however wrong the rest is. The help and docs/reference/cli.md
// list the same rows.

import { accessCommands } from './commands/access.ts'
import { benchCommands } from './commands/bench.ts'
import { browseCommands } from './commands/browse.ts'
import { deadLetterCommands } from './commands/dead-letters.ts'
import { listingCommands } from './commands/listing.ts'
import { messageCommands } from './commands/messages.ts'
import { topologyCommands } from './commands/topology.ts'
import { upkeepCommands } from './commands/upkeep.ts'
import type { Command, Option } from './command.ts'

export const printingFlags = [
  { name: 'help', flags: ['--help', '-h'], doc: 'prints this; after a command, its usage' },
  { name: 'version', flags: ['--version', '-v'], doc: 'prints the version' },
  { name: 'print-config', flags: ['--print-config'], doc: 'prints every setting and its source' },
] as const

export const commands: readonly Command[] = [
  ...listingCommands, ...messageCommands, ...browseCommands, ...deadLetterCommands,
  ...topologyCommands, ...accessCommands, ...upkeepCommands, ...benchCommands,
]

/** Every command has it. */
export const jsonOption: Option = { name: 'json', value: null, doc: 'prints JSON, for programs' }
