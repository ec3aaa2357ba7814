// The core is deterministic: it is given a clock, randomness, a store and connections, and is called with
// events. One Date.now() inside and a seed no longer replays a simulation. Tests are free; so is a script
// that is named here.

import { codeOf, importsOf } from './source.ts'
import type { Source } from './source.ts'
import { isTest } from './layout.ts'

const coreFolders = ['base', 'protocol', 'exchanges', 'queues', 'dlq', 'broker']
const scripts = ['protocol/generate.ts']

const ioModules = [
  'net', 'fs', 'worker_threads', 'tls', 'http', 'http2', 'https', 'timers', 'dns', 'child_process', 'os',
  'dgram', 'cluster', 'readline', 'perf_hooks',
]

const timeAndChance = [
  /\bDate\.now\b/, /\bnew Date\b/, /\bperformance\.now\b/, /\bprocess\.hrtime\b/, /\bsetTimeout\b/,
  /\bsetInterval\b/, /\bsetImmediate\b/, /\bqueueMicrotask\b/, /\bprocess\.nextTick\b/,
]
const chance = [/\bMath\.random\b/, /\brandom(?:Bytes|UUID|Int|FillSync)\b/, /\bgetRandomValues\b/]
const waiting = [/\bawait\b/, /\basync\b/]

export function checkCore({ path, text }: Source): string[] {
  const [folder = ''] = path.split('/', 1)
  if (!coreFolders.includes(folder) || isTest(path) || scripts.includes(path)) return []
  return [...ioIn(path, text), ...wordsIn(path, text, [...timeAndChance, ...chance, ...waiting])]
}

/** The simulation drives connections over virtual sockets, so the real one is in a single file. */
export function checkConnections({ path, text }: Source): string[] {
  if (!path.startsWith('connections/') || path === 'connections/listener.ts' || isTest(path)) return []
  return [...ioIn(path, text), ...wordsIn(path, text, [...timeAndChance, ...chance])]
}

function ioIn(path: string, text: string): string[] {
  return importsOf(text)
    .filter((specifier) => ioModules.includes(specifier.replace(/^node:/, '').split('/', 1)[0] ?? ''))
    .map((specifier) => `${path} imports ${specifier}: it is to be given what it needs of the world`)
}

function wordsIn(path: string, text: string, words: readonly RegExp[]): string[] {
  return codeOf(text).split('\n').flatMap((line, index) => words
    .map((word) => word.exec(line)?.[0])
    .filter((found) => found !== undefined)
    .map((found) => `${path}:${index + 1} uses ${found}: time, chance and waiting come from outside`))
}
