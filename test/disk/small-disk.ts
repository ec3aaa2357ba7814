// A disk that can be filled and emptied again, for the data directory of a broker: a file system of a fixed
// size, mounted there, which needs to be root; where mounting is refused, the shim's writes that fail with
// ENOSPC, and a line that says so. Invariant: `dispose` leaves no mount behind, and comes before the
// directory is removed.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beginFault, endFault, watchedBy } from './shim.ts'

export interface SmallDisk {
  /** False: the same error by other means, under which even the ballast frees nothing. */
  readonly isReal: boolean
  readonly env: NodeJS.ProcessEnv
  /** Somebody else writes to it until nothing is left. */
  fill(): void
  empty(): void
  dispose(): void
}

/** `directory/data` is the broker's. */
export function makeSmallDisk(directory: string, bytes: number): SmallDisk {
  const data = join(directory, 'data')
  mkdirSync(data)
  const { status, stderr, error } = spawnSync(
    'mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'leveret-test', data], { encoding: 'utf8' })
  if (status === 0) return new MountedDisk(data)
  const why = (error?.message ?? stderr).trim()
  process.stdout.write(`small disk: cannot mount one (${why}): writes fail with ENOSPC instead\n`)
  return new FailingDisk(directory)
}

class MountedDisk implements SmallDisk {
  readonly isReal = true
  readonly env = {}
  private readonly data: string
  private readonly filler: string

  constructor(data: string) {
    this.data = data
    this.filler = join(data, 'filler')
  }

  fill(): void {
    const { bavail, bsize } = statfsSync(this.data)
    // The broker may take some of it meanwhile; then it is as full as it gets.
    for (let left = bavail; left > 0; left -= 256) {
      try {
        writeFileSync(this.filler, Buffer.alloc(Math.min(left, 256) * bsize), { flag: 'a' })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        return
      }
    }
  }

  empty(): void {
    rmSync(this.filler)
  }

  dispose(): void {
    const { status, stderr } = spawnSync('umount', [this.data], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cannot unmount ${this.data}: ${stderr}`)
  }
}

class FailingDisk implements SmallDisk {
  readonly isReal = false
  readonly env: NodeJS.ProcessEnv
  private readonly fault: string

  constructor(directory: string) {
    this.fault = join(directory, 'fault')
    this.env = watchedBy({ file: join(directory, 'data', 'leveret.db'), fault: this.fault })
  }

  fill(): void {
    beginFault(this.fault, { kind: 'write', error: 'ENOSPC', nth: 1, isSticky: true })
  }

  empty(): void {
    endFault(this.fault)
  }

  dispose(): void {}
}
