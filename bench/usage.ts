// What the broker's processes have cost so far, and which they are: read from /proc, so that neither broker
// needs to know it is measured. Linux only. Called by brokers.ts (who listens there?) and by the generator
// (how much so far?). Invariant: a process that is gone counts nothing; an unknown port is an error, not an
// empty figure.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const TICKS_PER_SECOND = 100 // USER_HZ, fixed at 100 in the kernel's interface to user space
const PAGE_BYTES = 4096
const LISTENING = '0A'

export interface Usage {
  readonly cpuSeconds: number
  readonly memoryMiB: number
  /** The most that each of them ever held, together. */
  readonly memoryHighestMiB: number
}

/** CPU time and resident memory of these processes with all their threads. */
export function usageOf(pids: readonly number[]): Usage {
  let ticks = 0
  let pages = 0
  let highestKiB = 0
  for (const pid of pids) {
    const fields = statFields(pid)
    if (fields === null) continue
    ticks += Number(fields[11]) + Number(fields[12])
    pages += Number(fields[21])
    highestKiB += highestKiBOf(pid)
  }
  return {
    cpuSeconds: ticks / TICKS_PER_SECOND, memoryMiB: pages * PAGE_BYTES / 2 ** 20,
    memoryHighestMiB: highestKiB / 1024,
  }
}

/** The process that listens on this port, and all that descend from it. */
export function processTreeOnPort(port: number): readonly number[] {
  const root = listenerOn(port)
  const parents = new Map(allPids().map((pid) => [pid, Number(statFields(pid)?.[1] ?? 0)]))
  const tree = [root]
  for (const parent of tree) {
    for (const [pid, itsParent] of parents) if (itsParent === parent) tree.push(pid)
  }
  return tree
}

function listenerOn(port: number): number {
  const portHex = port.toString(16).toUpperCase().padStart(4, '0')
  const sockets = ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((table) => readFileSync(table, 'latin1').split('\n').map((line) => line.trim().split(/\s+/)))
    .filter(([, local, , state]) => local?.endsWith(`:${portHex}`) === true && state === LISTENING)
    .map((fields) => `socket:[${fields[9]}]`)
  const owner = allPids().find((pid) => openFiles(pid).some((file) => sockets.includes(file)))
  if (owner === undefined) throw new Error(`no process of this machine listens on port ${port}`)
  return owner
}

function allPids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
}

/** The fields after the command's name, which may hold anything; null when the process is gone. */
function statFields(pid: number): readonly string[] | null {
  const text = ifThere(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function highestKiBOf(pid: number): number {
  const text = ifThere(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? ''
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1] ?? 0)
}

function openFiles(pid: number): readonly string[] {
  const names = ifThere(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  return names.flatMap((name) => ifThere(() => readlinkSync(`/proc/${pid}/fd/${name}`)) ?? [])
}

/** Processes and files come and go while /proc is read, and some are not ours to see. */
function ifThere<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return null
    throw error
  }
}
