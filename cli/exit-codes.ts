// What the process says when it ends. The numbers are those of sysexits.h, which init systems know. Read by
// the help and by docs/reference/config.md.

export const exitCodes = {
  ok: { code: 0, meaning: 'printed what was asked; or stopped in good order by SIGTERM or SIGINT' },
  notSo: { code: 1, meaning: 'check found damage, or the backup could not be made' },
  slowStop: { code: 1, meaning: 'told to stop and not done within 5 seconds' },
  usage: { code: 64, meaning: 'a flag, variable or configuration file is wrong; nothing was touched' },
  unavailable: { code: 69, meaning: 'a port is taken, or the address cannot be listened on' },
  internal: { code: 70, meaning: 'a fault of the broker; the log on stderr has the stack' },
  dataDirectory: {
    code: 73, meaning: 'the data directory is in use, of a newer version, not writable, or damaged',
  },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>

export type ExitName = keyof typeof exitCodes
