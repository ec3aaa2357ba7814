// How a command ends when it cannot do what it was asked: thrown anywhere below run.ts, which prints the
// line and exits. Invariant: the message is one line that names the thing, the value and the limit.

import type { ExitName } from './exit-codes.ts'

/** Ends the command with a line on stderr. */
export class CommandFailed extends Error {
  override name = 'CommandFailed'
  readonly exit: ExitName

  constructor(exit: ExitName, message: string) {
    super(message)
    this.exit = exit
  }
}

export const usageError = (message: string): CommandFailed => new CommandFailed('usage', message)
