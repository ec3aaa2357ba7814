// What shim.c and store-process.ts wrote down, and the disk that a power cut leaves of it. What was synced
// stays; of the rest the disk kept nothing, a part, or all (reliability §4.5). New files count as there once
// they are synced, as ext4 has it; an unlink counts once the directory is. Invariant: a Disk only goes
// forward, and `cut` changes nothing of it.
import type { SeededRandom } from '../../base/random.ts'

/** `close`: the clean stop begins; `closed`: it has been reported. */
export interface Mark {
  readonly kind: 'open' | 'begin' | 'durable' | 'close' | 'closed'
  readonly batch: number
}

/** The shim's ops; a mark is the process's own. */
const [WRITE, SYNC, TRUNCATE, UNLINK, MARK] = [1, 2, 3, 4, 5]
const HEAD_BYTES = 24
const SECTOR_BYTES = 512
const DIRECTORY = '/'

export interface Operation {
  readonly op: number
  readonly name: string
  readonly at: number
  readonly data: Buffer
  readonly mark: Mark | null
}

/** What the disk kept of what was not synced. */
export type Kept = 'nothing' | 'prefix' | 'sectors' | 'all'
export const KEPT: readonly Kept[] = ['nothing', 'prefix', 'sectors', 'all']

export function encodeMark(mark: Mark): Buffer {
  const data = Buffer.from(JSON.stringify(mark))
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(MARK!, 0)
  head.writeBigUInt64LE(BigInt(data.length), 16)
  return Buffer.concat([head, data])
}

export function readTrace(bytes: Buffer): Operation[] {
  const operations: Operation[] = []
  for (let at = 0; at < bytes.length;) {
    const op = bytes.readUInt32LE(at)
    const nameEnd = at + HEAD_BYTES + bytes.readUInt32LE(at + 4)
    const length = op === WRITE || op === MARK ? Number(bytes.readBigUInt64LE(at + 16)) : 0
    const data = bytes.subarray(nameEnd, nameEnd + length)
    operations.push({
      op, data, name: bytes.toString('utf8', at + HEAD_BYTES, nameEnd),
      at: Number(bytes.readBigUInt64LE(at + 8)),
      mark: op === MARK ? JSON.parse(data.toString()) as Mark : null,
    })
    at = nameEnd + length
  }
  return operations
}

export function isSync({ op }: Operation): boolean {
  return op === SYNC
}

/** Names of files after the database's own, '-wal' for instance, and their bytes. */
export type Files = Map<string, Buffer>

export class Disk {
  private readonly synced: Files = new Map()
  private pending: Operation[] = []

  apply(operation: Operation): void {
    const { op, name } = operation
    if (op === MARK) return
    if (op !== SYNC) {
      this.pending.push(operation)
      return
    }
    // With a new file of an old name on disk the old one is gone.
    const isCovered = (each: Operation): boolean => (
      name === DIRECTORY ? each.op === UNLINK : each.name === name)
    for (const each of this.pending) if (isCovered(each)) perform(this.synced, each)
    this.pending = this.pending.filter((each) => !isCovered(each))
    // A sync of a file that nothing was ever written to makes it exist.
    if (name !== DIRECTORY && !this.synced.has(name)) this.synced.set(name, Buffer.alloc(0))
  }

  /** What is there when the power comes back. */
  cut(kept: Kept, random: SeededRandom): Files {
    const files: Files = new Map([...this.synced].map(([name, bytes]) => [name, Buffer.from(bytes)]))
    const { pending } = this
    if (kept === 'all') for (const each of pending) perform(files, each)
    if (kept === 'prefix') {
      const whole = random.below(pending.length + 1)
      for (const each of pending.slice(0, whole)) perform(files, each)
      const torn = pending[whole]
      if (torn?.op === WRITE) {
        perform(files, { ...torn, data: torn.data.subarray(0, random.below(torn.data.length)) })
      }
    }
    if (kept === 'sectors') {
      for (const each of shuffled(pending.flatMap(sectorsOf), random)) perform(files, each)
    }
    return files
  }
}

/** Some of them, in any order. */
function shuffled(operations: readonly Operation[], random: SeededRandom): Operation[] {
  const share = random.below(101) / 100
  const left = operations.filter(() => random.chance(share))
  for (let at = left.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const swapped = left[at]!
    left[at] = left[other]!
    left[other] = swapped
  }
  return left
}

function sectorsOf(operation: Operation): Operation[] {
  const { op, at, data } = operation
  if (op !== WRITE) return [operation]
  const sectors: Operation[] = []
  for (let from = 0; from < data.length;) {
    const end = Math.min(data.length, from + SECTOR_BYTES - ((at + from) % SECTOR_BYTES))
    sectors.push({ ...operation, at: at + from, data: data.subarray(from, end) })
    from = end
  }
  return sectors
}

function perform(files: Files, { op, name, at, data }: Operation): void {
  if (op === UNLINK) {
    files.delete(name)
    return
  }
  let file = files.get(name) ?? Buffer.alloc(0)
  if (op === TRUNCATE) file = at <= file.length ? file.subarray(0, at) : grown(file, at)
  else {
    if (at + data.length > file.length) file = grown(file, at + data.length)
    data.copy(file, at)
  }
  files.set(name, file)
}

function grown(file: Buffer, length: number): Buffer {
  return Buffer.concat([file, Buffer.alloc(length - file.length)])
}
