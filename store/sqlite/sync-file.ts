// Makes a file that was made whole, and its place in its directory, survive a power cut. Called where a file
// appears: a new data directory, a backup. SQLite does it for its own.

import { closeSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

export function syncFile(file: string): void {
  sync(file)
  sync(dirname(file))
}

/** Of a directory: which entries it has. */
function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
