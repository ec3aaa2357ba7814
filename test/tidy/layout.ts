// Who may import whom (architecture §3), and that imports make no circle. Type-only imports count: a type
// that is needed from above is a design that goes both ways.

import { posix } from 'node:path'
import { importsOf } from './source.ts'
import type { Source } from './source.ts'

/** What a folder may import besides itself. Others are scripts and tests: free, imported by nobody. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ['base'],
  store: ['base'],
  exchanges: ['base', 'protocol'],
  queues: ['base', 'protocol', 'store'],
  dlq: ['base', 'protocol', 'exchanges', 'queues'],
  broker: ['base', 'protocol', 'store', 'exchanges', 'queues', 'dlq'],
  connections: ['base', 'protocol', 'store', 'exchanges', 'queues', 'dlq', 'broker'],
  http: ['base', 'protocol', 'store', 'exchanges', 'queues', 'dlq', 'broker'],
  runtime: ['base', 'protocol', 'store', 'exchanges', 'queues', 'dlq', 'broker', 'connections', 'http'],
  cli: ['broker', 'runtime', 'store'],
}

/** Tests beside the code may use what test/ shares, and nothing else that the code itself may not. */
export function isTest(path: string): boolean {
  return /\.(?:test|contract)\.ts$/.test(path)
}

export function checkLayers({ path, text }: Source): string[] {
  const from = folderOf(path)
  const allowed = mayImport[from]
  if (allowed === undefined) return []
  return localImports({ path, text })
    .filter((target) => {
      const to = folderOf(target)
      return to !== from && !allowed.includes(to) && !(isTest(path) && to === 'test')
    })
    .map((target) => `${path} imports ${target}: it may import ${allowed.join(', ') || 'nothing of ours'}`)
}

/** One message per file that can reach itself by its imports, with the way. */
export function checkCycles(sources: readonly Source[]): string[] {
  const edges = new Map(sources.map((source) => [source.path, localImports(source)]))
  const finished = new Set<string>()
  const problems: string[] = []
  function visit(path: string, way: readonly string[]): void {
    const circle = [...way.slice(way.indexOf(path)), path]
    if (way.includes(path)) problems.push(`import cycle: ${circle.join(' → ')}`)
    else if (!finished.has(path)) {
      for (const target of edges.get(path) ?? []) visit(target, [...way, path])
      finished.add(path)
    }
  }
  for (const path of edges.keys()) visit(path, [])
  return problems
}

function localImports({ path, text }: Source): string[] {
  return importsOf(text)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.normalize(posix.join(posix.dirname(path), specifier)))
}

function folderOf(path: string): string {
  return path.split('/', 1)[0] ?? ''
}
