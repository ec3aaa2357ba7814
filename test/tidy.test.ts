// House rules that a machine can check, over the sources themselves. Each rule is also shown planted
// violations, so a rule that has gone blind fails here. Not here: length of functions, `any`, unused names
// (oxlint), fresh generated files (npm run check regenerates and compares).

import { describe, expect, test } from 'vitest'
import { checkConnections, checkCore } from './tidy/determinism.ts'
import { checkReadmes, listFiles, readSources } from './tidy/folders.ts'
import { checkCycles, checkLayers } from './tidy/layout.ts'
import { codeOf, commentsOf, importsOf } from './tidy/source.ts'
import type { Source } from './tidy/source.ts'
import {
  checkColumns, checkCommentedOutCode, checkConsole, checkEnvironment, checkLength, checkTodo,
} from './tidy/text-rules.ts'

interface Rule {
  readonly says: string
  readonly check: (source: Source) => string[]
  /** Path and text of what must be found. */
  readonly violations: readonly (readonly [string, string])[]
  /** Path and text of what looks like it and is right. */
  readonly allowed: readonly (readonly [string, string])[]
}

const rules: readonly Rule[] = [
  {
    says: 'imports go one way, from the top of the tree to its bottom',
    check: checkLayers,
    violations: [
      ['base/ring.ts', 'import { x } from \'../protocol/table.ts\''],
      ['queues/queue.ts', 'import type { VHost } from \'../broker/vhost.ts\''],
      ['exchanges/route.ts', 'export { x } from "../queues/queue.ts"'],
      ['http/server.ts', 'import {\n  listener,\n} from \'../connections/listener.ts\''],
      ['connections/listener.ts', 'import \'../http/server.ts\''],
      ['runtime/server.ts', 'const { run } = await import(\'../cli/run.ts\')'],
      ['broker/broker.ts', 'import { build } from \'../test/builders.ts\''],
      ['store/sqlite/thread.ts', 'import { x } from \'../../queues/queue.ts\''],
      ['queues/queue.test.ts', 'import { x } from \'../broker/vhost.ts\''],
    ],
    allowed: [
      ['broker/broker.ts', 'import { x } from \'../queues/queue.ts\'\nimport { z } from \'zod\''],
      ['store/sqlite/thread.ts', 'import { x } from \'../store.ts\''],
      ['queues/queue.test.ts', 'import { x } from \'../test/builders.ts\''],
      ['compat-tests/basic.ts', 'import { x } from \'../cli/run.ts\''],
      ['base/ring.ts', '// not import x from \'../broker/broker.ts\''],
    ],
  },
  {
    says: 'the core has no I/O, no time of its own, no chance and no waiting',
    check: checkCore,
    violations: [
      ['broker/broker.ts', 'import { readFileSync } from \'node:fs\''],
      ['queues/queue.ts', 'import { scheduler } from \'timers/promises\''],
      ['base/clock.ts', 'const now = Date.now()'],
      ['base/clock.ts', 'const now = new Date()'],
      ['dlq/replay.ts', 'const now = performance.now()'],
      ['exchanges/route.ts', 'const pick = Math.random()'],
      ['exchanges/route.ts', 'const id = `${randomUUID()}`'],
      ['base/turn.ts', 'setImmediate(() => this.end())'],
      ['base/turn.ts', 'queueMicrotask(end)'],
      ['base/turn.ts', 'process.nextTick(end)'],
      ['broker/users.ts', 'async function login() {}'],
      ['broker/users.ts', 'const user = await login()'],
    ],
    allowed: [
      ['base/turn.ts', '// setImmediate is the caller\'s\nconst text = \'await Date.now()\''],
      ['base/turn.test.ts', 'await new Promise((resolve) => setTimeout(resolve))'],
      ['protocol/generate.ts', 'import { writeFileSync } from \'node:fs\''],
      ['runtime/server.ts', 'import { hostname } from \'node:os\'\nconst now = Date.now()'],
      ['broker/users.ts', 'const awaiting = asynchronous'],
    ],
  },
  {
    says: 'connections have no socket, no time and no chance of their own, but for the listener',
    check: checkConnections,
    violations: [
      ['connections/connection.ts', 'import type { Socket } from \'node:net\''],
      ['connections/heartbeat.ts', 'setInterval(beat, 1000)'],
      ['connections/heartbeat.ts', 'const at = Date.now()'],
    ],
    allowed: [
      ['connections/listener.ts', 'import { createServer } from \'node:net\'\nsetTimeout(stop, 1)'],
      ['connections/handshake.ts', 'const user = await authenticate()'],
      ['connections/connection.test.ts', 'import { connect } from \'node:net\''],
    ],
  },
  {
    says: 'a file has at most 450 lines',
    check: checkLength,
    violations: [['queues/queue.ts', 'a\n'.repeat(451)]],
    allowed: [['queues/queue.ts', 'a\n'.repeat(450)], ['protocol/methods.gen.ts', 'a\n'.repeat(451)]],
  },
  {
    says: 'a line has at most 110 columns',
    check: checkColumns,
    violations: [['queues/queue.ts', `ok\n${'a'.repeat(111)}`]],
    allowed: [['queues/queue.ts', '→'.repeat(110)]],
  },
  {
    says: 'process.env is read in cli/main.ts only',
    check: checkEnvironment,
    violations: [
      ['broker/config.ts', 'const x = process.env.X'], ['cli/run.ts', 'run(process . env)'],
      ['runtime/server.ts', 'const x = process[\'env\']'],
      ['http/server.test.ts', 'process.env[\'X\'] = \'1\''],
    ],
    allowed: [
      ['cli/main.ts', 'run(process.env)'], ['compat-tests/a.ts', 'process.env'], ['a/b.ts', '// process.env'],
      ['examples/a.ts', 'process.env'],
    ],
  },
  {
    says: 'nobody uses console',
    check: checkConsole,
    violations: [['test/crash.ts', 'console.log(1)'], ['bench/codec.ts', 'console .table(rows)']],
    allowed: [['cli/run.ts', 'const text = \'console.log(1)\''], ['examples/a.ts', 'console.log(1)']],
  },
  {
    says: 'what is left for later has the number of an issue',
    check: checkTodo,
    violations: [['a/b.ts', '// TODO: later'], ['a/b.ts', '/* FIXME */'], ['a/b.ts', 'f() // TODO(me)']],
    allowed: [['a/b.ts', '// TODO(#12): later'], ['a/b.ts', 'const word = \'TODO\'']],
  },
  {
    says: 'no code is kept in comments',
    check: checkCommentedOutCode,
    violations: [
      ['a/b.ts', '  // const queue = new Queue()'], ['a/b.ts', '// import { x } from \'./x.ts\''],
      ['a/b.ts', '// if (queue.isEmpty) {'], ['a/b.ts', '// return this.take(1)'],
      ['a/b.ts', '// this.turn.pump(queue)'],
    ],
    allowed: [
      ['a/b.ts', '// const is what we want here'], ['a/b.ts', '// return to sender (RabbitMQ: basic.return)'],
      ['a/b.ts', '// if (and only if) the queue is empty'], ['a/b.ts', 'const s = \'// const a = 1\''],
    ],
  },
]

const root = new URL('..', import.meta.url).pathname
const sources = readSources(root)

describe.each(rules)('$says', ({ check, violations, allowed }) => {
  test('holds for every source', () => {
    expect(sources.flatMap(check)).toEqual([])
  })

  test.each(violations)('is broken by a planted line in %s: %j', (path, text) => {
    expect(check({ path, text })).toHaveLength(1)
  })

  test.each(allowed)('is not broken in %s by %j', (path, text) => {
    expect(check({ path, text })).toEqual([])
  })
})

describe('imports make no circle', () => {
  test('holds for every source', () => {
    expect(checkCycles(sources)).toEqual([])
  })

  test('a planted circle is told with its way', () => {
    const planted = [
      { path: 'a/one.ts', text: 'import type { Two } from \'./two.ts\'' },
      { path: 'a/two.ts', text: 'export { three } from \'../b/three.ts\'' },
      { path: 'b/three.ts', text: 'import \'../a/one.ts\'' },
    ]
    expect(checkCycles(planted)).toEqual(['import cycle: a/one.ts → a/two.ts → b/three.ts → a/one.ts'])
  })

  test('two ways to one file are no circle', () => {
    const planted = [
      { path: 'a/one.ts', text: 'import \'./two.ts\'\nimport \'./three.ts\'' },
      { path: 'a/two.ts', text: 'import \'./three.ts\'' },
      { path: 'a/three.ts', text: '' },
    ]
    expect(checkCycles(planted)).toEqual([])
  })
})

describe('every folder with sources has a README', () => {
  test('holds for the tree', () => {
    expect(checkReadmes(listFiles(root))).toEqual([])
  })

  test('a planted folder without one is told', () => {
    expect(checkReadmes(['a/one.ts', 'a/README.md', 'a/b/two.ts'])).toEqual(['a/b/ has no README.md'])
  })
})

describe('the scanner', () => {
  test('sees the sources', () => {
    const paths = sources.map(({ path }) => path)
    expect(paths).toContain('broker/config.ts')
    expect(paths).toContain('test/tidy.test.ts')
  })

  test('blanks comments and what is quoted, and keeps what templates compute', () => {
    const text = 'a(\'x\\\'y\', "z") // c\n/* d\n */ b(`t ${e({ f: `g${h}` })} u`)'
    const code = 'a(\'    \', " ")     \n    \n    b(`   {e({ f: `  {h}` })}  `)'
    expect(codeOf(text)).toBe(code)
  })

  test('knows a pattern from a division', () => {
    expect(codeOf('x = a / b / c; y = /["\'`]/.test(z)')).toBe('x = a / b / c; y = /     /.test(z)')
  })

  test('finds every kind of import and only those', () => {
    const text = 'import a from \'a\'\nimport type { B } from "b"\nexport * from \'c\'\nimport \'d\'\n'
      + 'import(\'e\')\nconst f = "import x from \'g\'" // from \'h\''
    expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('gives comments without their surroundings', () => {
    expect(commentsOf('a // b\n\'// c\'').trimEnd()).toBe('  // b')
  })
})
