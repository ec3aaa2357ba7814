// Definitions files at boot and at run time: read, checked as a whole, vhosts made, then everything in them.
// Called by server.ts before the listeners open, and by the HTTP door.
import { readFile } from 'node:fs/promises'
import type { Broker } from '../broker/broker.ts'
import { parseDefinitions } from '../broker/definitions-file.ts'
import type { DefinitionsFile } from '../broker/definitions-file.ts'
import { applyDefinitions, checkDefinitions, vhostsOf } from '../broker/definitions-import.ts'
import { Refusal } from '../broker/refusal.ts'
import type { VHostKeeper } from '../broker/vhost-keeper.ts'
import { whenRecorded } from '../http/durability.ts'

export class DefinitionsUnusable extends Error {
  override name = 'DefinitionsUnusable'
}

/** Errors: DefinitionsUnusable when there is no such file or it is not a definitions file. */
export async function readDefinitions(path: string): Promise<DefinitionsFile> {
  try {
    return parseDefinitions(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw unusable(path, error)
  }
}

/** At boot. Errors: DefinitionsUnusable. */
export async function loadDefinitions(
  path: string, file: DefinitionsFile, broker: Broker, vhosts: VHostKeeper,
): Promise<void> {
  try {
    await importDefinitions(file, broker, vhosts)
  } catch (error) {
    throw error instanceof Refusal ? unusable(path, error) : error
  }
}

/** Resolves when all of it is on disk. Errors: Refusal; then nothing has changed. */
export async function importDefinitions(
  file: DefinitionsFile, broker: Broker, vhosts: VHostKeeper,
): Promise<void> {
  checkDefinitions(broker, file)
  for (const { name, facts } of vhostsOf(file)) await vhosts.put(name, facts)
  applyDefinitions(broker, file)
  await whenRecorded(broker.records)
  for (const vhost of broker.vhosts.values()) await whenRecorded(vhost.records)
}

function unusable(path: string, error: unknown): DefinitionsUnusable {
  const why = (error instanceof Error ? error.message : String(error)).trim().replace(/\s+/g, ' ')
  return new DefinitionsUnusable(`the definitions in ${path} can't be taken in: ${why}`, { cause: error })
}
