// What the process takes of its machine, for the HTTP door: read when somebody asks. /proc is Linux's; where
// there is none, files are not counted and their numbers are 0.
import { readdir, readFile, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import type { NodeUsage } from '../http/node-view.ts'

export async function readUsage(dataDirectory: string): Promise<NodeUsage> {
  const cpu = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    pid: process.pid, processors: availableParallelism(), residentBytes: rss, residentBytesMax: totalmem(),
    heapUsedBytes: heapUsed, cpuSeconds: (cpu.user + cpu.system) / 1_000_000,
    openFiles: await countOpenFiles(), openFilesMax: await readOpenFilesMax(),
    diskFreeBytes: await readDiskFree(dataDirectory), dataDirectory,
  }
}

async function countOpenFiles(): Promise<number> {
  const files = await orNull(readdir('/proc/self/fd'))
  return files?.length ?? 0
}

async function readOpenFilesMax(): Promise<number> {
  const limits = await orNull(readFile('/proc/self/limits', 'utf8'))
  return Number(/^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1] ?? 0)
}

/** A store in memory has no directory: there the place the process runs in counts. */
async function readDiskFree(dataDirectory: string): Promise<number> {
  const disk = await orNull(statfs(dataDirectory)) ?? await statfs('.')
  return disk.bavail * disk.bsize
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
