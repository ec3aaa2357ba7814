// Room kept in reserve for a full disk: a file that is deleted when the disk has no room left, so that what
// is in flight and the acks behind it can still be stored, and made again when there is room. On a full disk
// not even a delete or a checkpoint succeeds without it (reliability §4.4). Owned by thread.ts. Invariant: it
// never takes the last room of a disk: it grows only while half its size stays free beside it.

import { closeSync, ftruncateSync, openSync, rmSync, statSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Between two of them a batch may be committed. */
const STEP_BYTES = 4 * 1024 * 1024
/** A new buffer for each step stayed resident in an idle broker, which collects nothing. */
const ZEROS = Buffer.alloc(64 * 1024)

export class Ballast {
  private readonly file: string
  private readonly bytes: number
  private held: number

  /** 0 bytes keeps none; one that an earlier setting left is cut to size. Errors: the file system's. */
  constructor(file: string, bytes: number) {
    this.file = file
    this.bytes = bytes
    this.held = Math.min(sizeOf(file), bytes)
    if (bytes === 0) rmSync(file, { force: true })
    else if (sizeOf(file) > bytes) this.write((fd) => ftruncateSync(fd, bytes))
  }

  get isWhole(): boolean {
    return this.held >= this.bytes
  }

  /** Gives its room to the disk. False when there was none to give. */
  release(): boolean {
    const hadRoom = this.held > 0
    rmSync(this.file, { force: true })
    this.held = 0
    return hadRoom
  }

  /** Grows by one step; false when it is whole, or when the disk has no room for it now. */
  growStep(): boolean {
    const missing = this.bytes - this.held
    if (missing <= 0 || this.freeBytes() < missing + this.bytes / 2) return false
    try {
      this.write((fd) => {
        // Zeros that are written: a hole would reserve nothing.
        const end = this.held + Math.min(missing, STEP_BYTES)
        while (this.held < end) {
          this.held += writeSync(fd, ZEROS, 0, Math.min(end - this.held, ZEROS.length), this.held)
        }
      })
    } catch (error) {
      if (!isNoSpace(error)) throw error
      this.release()
      return false
    }
    return !this.isWhole
  }

  private freeBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(this.file))
    return bavail * bsize
  }

  private write(task: (fd: number) => void): void {
    const fd = openSync(this.file, this.held === 0 ? 'w' : 'r+')
    try {
      task(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function isNoSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}
