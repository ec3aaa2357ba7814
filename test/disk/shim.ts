// Builds shim.c and says how a process is started under it. Used by what watches or breaks the store's disk.
// Invariant: one build per text of shim.c, kept in the cache; a machine without a C compiler is told so,
// since nothing else could stand in: SQLite's writes happen below JavaScript.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('./shim.c', import.meta.url))
const cache = fileURLToPath(new URL('../../node_modules/.cache/leveret', import.meta.url))

/** Returns the path of the library. Errors: Error with what the compiler said, or that there is none. */
export function buildShim(): string {
  const text = readFileSync(source)
  const library = `${cache}/disk-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.so`
  if (existsSync(library)) return library
  mkdirSync(cache, { recursive: true })
  // Renamed when it is whole: another test may be building it too.
  const draft = `${library}.${process.pid}`
  const args = ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', draft, source, '-ldl', '-lpthread']
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  if (error !== undefined || status !== 0) {
    throw new Error('the power-cut and I/O-error tests watch SQLite through a small library, built by `cc` '
      + '(Debian: apt install gcc; macOS and Windows cannot run them): '
      + (error?.message ?? stderr))
  }
  renameSync(draft, library)
  return library
}

export interface Watch {
  /** The database; what begins with this path is watched. */
  readonly file: string
  readonly trace?: string
  readonly fault?: string
}

/** Variables for the process that is to be watched. */
export function watchedBy(watch: Watch): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: buildShim(),
    SHIM_FILE: watch.file,
    ...(watch.trace === undefined ? {} : { SHIM_TRACE: watch.trace }),
    ...(watch.fault === undefined ? {} : { SHIM_FAULT: watch.fault }),
  }
}

export interface Fault {
  readonly kind: 'write' | 'sync'
  /** `none`: it says that it was done, and did nothing. */
  readonly error: 'EIO' | 'ENOSPC' | 'none'
  /** The how many-th operation of its kind fails, from 1, counted from now on. */
  readonly nth: number
  /** All that follow fail too, until `endFault`. */
  readonly isSticky: boolean
}

export function beginFault(file: string, { kind, error, nth, isSticky }: Fault): void {
  const kinds = kind === 'sync' ? 2 : 1
  const number = error === 'none' ? 0 : constants.errno[error]
  writeFileSync(`${file}.draft`, `${kinds} ${nth} ${isSticky ? 1 : 0} ${number}\n`)
  renameSync(`${file}.draft`, file)
}

export function endFault(file: string): void {
  rmSync(file, { force: true })
}
