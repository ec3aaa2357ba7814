// What the process says when it ends. The numbers are those of sysexits.h, which init systems know. Read by
// the help and by docs/reference/config.md.

export const exitCodes = {
  ok: { code: 0, meaning: 'did or printed what was asked; or stopped in good order by SIGTERM or SIGINT' },
  notSo: { code: 1, meaning: 'the broker refused, a message went to no queue, or check found damage' },
  slowStop: { code: 1, meaning: 'told to stop and not done within 5 seconds' },
  usage: { code: 64, meaning: 'a flag, variable or configuration file is wrong; nothing was touched' },
  dataError: { code: 65, meaning: 'what should be JSON is not' },
  noInput: { code: 66, meaning: 'a file that a command names cannot be read' },
  unavailable: {
    code: 69, meaning: 'a port is taken, or the address cannot be listened on; or no broker answers a '
      + 'command',
  },
  internal: { code: 70, meaning: 'a fault of the broker; the log on stderr has the stack' },
  dataDirectory: {
    code: 73, meaning: 'the data directory is in use, of a newer version, not writable, or damaged',
  },
  noPermission: { code: 77, meaning: 'the broker refused for want of rights, or the password is wrong' },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>

export type ExitName = keyof typeof exitCodes
