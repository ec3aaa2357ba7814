// Plays all client programs against all brokers, with one restart of each broker for everybody. Called by
// clients.test.ts. Invariant: no broker restarts before every program waits for it or has ended, and the
// programs go on only when it is up again.

import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { restartBroker } from '../harness/control.ts'
import type { Target } from '../harness/target.ts'
import { ClientProgram } from './client-program.ts'
import type { Line } from './client-program.ts'
import { copyPrograms } from './debian-root.ts'
import type { ProgramFolder } from './debian-root.ts'
import type { Library, Runtime } from './libraries.ts'
import type { ScenarioName } from './scenarios.ts'

const here = import.meta.dirname
const tsx = resolve(here, '../../node_modules/.bin/tsx')

export interface Transcript {
  readonly lines: readonly Line[]
  readonly stderr: string
}

/** By broker's label and library's name. */
export type Transcripts = ReadonlyMap<string, Transcript>

export function keyOf(target: Target, library: Library): string {
  return `${target.label} ${library.name}`
}

function canRestart(targets: readonly Target[]): boolean {
  return targets.every((target) => target.canRestart)
}

/** A broker that is not ours to restart (RABBITMQ_URL, a container) has no reconnect to show. */
export function playedOf(library: Library, targets: readonly Target[]): readonly ScenarioName[] {
  return library.plays.filter((name) => name !== 'reconnect' || canRestart(targets))
}

const interpreters = { python: 'python3', ruby: 'ruby', php: 'php', shell: 'bash' } as const

function commandOf(runtime: Runtime, program: string, folder: ProgramFolder): string[] {
  if (runtime === 'node') return [process.execPath, join(here, program)]
  if (runtime === 'tsx') return [tsx, '--tsconfig', join(here, 'node/tsconfig.json'), join(here, program)]
  return folder.command(interpreters[runtime], program)
}

export async function play(targets: readonly Target[], libraries: readonly Library[]): Promise<Transcripts> {
  const folder = await copyPrograms()
  try {
    const programs = new Map<string, ClientProgram>()
    const toStart = libraries.flatMap((library) => targets.map((target) => ({ library, target })))
    await Promise.all(Array.from({ length: availableParallelism() + 1 }, async () => {
      for (let next = toStart.shift(); next !== undefined; next = toStart.shift()) {
        const { library, target } = next
        const command = commandOf(library.runtime, library.program, folder)
        const program = new ClientProgram([...command, target.url, ...playedOf(library, targets)], here)
        programs.set(keyOf(target, library), program)
        await program.ready
      }
    }))
    if (canRestart(targets)) await Promise.all(targets.map((target) => restartBroker(target, 'SIGTERM')))
    for (const program of programs.values()) program.goOn()
    await Promise.all([...programs.values()].map((program) => program.ended))
    return new Map([...programs].map(([key, { lines, stderr }]) => [key, { lines, stderr }]))
  } finally {
    await folder.remove()
  }
}
