// `leveret backup FILE`: by the running broker itself, asked over HTTP, since another connection would never
// finish under load; or, when nobody holds the data directory, by this process. Called by run.ts.

import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Settings } from '../broker/config.ts'
import { backUp } from '../store/sqlite/backup.ts'
import { DataDirectory, DataDirectoryHeld } from '../store/sqlite/data-directory.ts'
import type { BackupOrder } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import type { Surroundings } from './surroundings.ts'

export async function backup(order: BackupOrder, settings: Settings, surroundings: Surroundings,
): Promise<void> {
  if (order.file === null) {
    surroundings.complain('leveret: backup needs the file to write: leveret backup FILE')
    return surroundings.exit(exitCodes.usage.code)
  }
  try {
    const file = resolve(order.file)
    const bytes = order.url === null
      ? await backUpDirectory(file, order, settings) : await askBroker(order.url, file, order, settings)
    surroundings.print(`${file}: ${bytes} bytes\n`)
    surroundings.exit(exitCodes.ok.code)
  } catch (error) {
    surroundings.complain(`leveret: ${error instanceof Error ? error.message : String(error)}`)
    surroundings.exit(exitCodes.notSo.code)
  }
}

/** Errors: Error, saying what is wrong. */
async function backUpDirectory(file: string, order: BackupOrder, settings: Settings): Promise<number> {
  const directory = resolve(settings.dataDirectory)
  if (!existsSync(join(directory, 'leveret.db'))) {
    throw new Error(`there is no database in ${directory}: --data names the directory, --url a broker`)
  }
  const held = hold(directory)
  if (held === null) return askBroker(`http://127.0.0.1:${settings.httpPort}`, file, order, settings)
  const db = new Database(held.databaseFile, { readonly: true })
  try {
    return await backUp(db, file, order.overwrites)
  } finally {
    db.close()
    held.release()
  }
}

/** Null when a broker has it. */
function hold(directory: string): DataDirectory | null {
  try {
    return new DataDirectory(directory)
  } catch (error) {
    if (error instanceof DataDirectoryHeld) return null
    throw error
  }
}

async function askBroker(url: string, file: string, order: BackupOrder, settings: Settings): Promise<number> {
  const login = `${order.user ?? settings.defaultUser}:${order.password ?? settings.defaultPass}`
  const response = await fetch(new URL('/api/v1/backup', url), {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(login).toString('base64')}`, 'content-type': 'application/json',
    },
    body: JSON.stringify({ file, overwrite: order.overwrites }),
  }).catch((cause: unknown) => {
    throw new Error(`the broker at ${url} cannot be asked: --url names its HTTP address`, { cause })
  })
  const answer = await response.text()
  const { reason, bytes } = (answer === '' ? {} : JSON.parse(answer)) as { reason?: string; bytes?: number }
  if (response.ok && bytes !== undefined) return bytes
  throw new Error(`the broker at ${url} refused (${response.status}): ${reason ?? 'no reason given'}`)
}
