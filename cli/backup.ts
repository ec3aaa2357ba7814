// `leveret backup FILE`: by the running broker itself, asked over HTTP, since another connection would never
// finish under load; or, when nobody holds the data directory, by this process. Called by commands/upkeep.ts.

import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { backUp } from '../store/sqlite/backup.ts'
import { DataDirectory, DataDirectoryHeld } from '../store/sqlite/data-directory.ts'
import { CommandFailed } from './command-failed.ts'
import type { Call, Output } from './command.ts'

export async function backup(call: Call): Promise<Output> {
  const file = resolve(call.operands[0] ?? '')
  const bytes = call.settings.url === null ? await backUpDirectory(file, call) : await askBroker(file, call)
  return { value: { file, bytes }, text: `${file}: ${bytes} bytes\n` }
}

async function backUpDirectory(file: string, call: Call): Promise<number> {
  const directory = resolve(call.settings.dataDirectory)
  if (!existsSync(join(directory, 'leveret.db'))) {
    throw new CommandFailed('notSo',
      `there is no database in ${directory}: --data names the directory, --url a broker`)
  }
  const held = hold(directory)
  if (held === null) return askBroker(file, call)
  const db = new Database(held.databaseFile, { readonly: true })
  try {
    return await backUp(db, file, call.options.has('force'))
  } catch (error) {
    throw new CommandFailed('notSo', error instanceof Error ? error.message : String(error))
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

async function askBroker(file: string, { broker, options }: Call): Promise<number> {
  const overwrite = options.has('force')
  return (await broker.post<{ bytes: number }>('/v1/backup', { file, overwrite })).bytes
}
