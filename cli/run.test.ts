// The program against surroundings of the test's own: what it prints, what it refuses, how it ends.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Settings } from '../broker/config.ts'
import { FakeProcess } from '../test/cli/fake-process.ts'
import { printingFlags } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import { run } from './run.ts'
import type { RunningServer, StartServer } from './surroundings.ts'

class FakeServer implements RunningServer {
  readonly amqpUrl: string
  readonly amqpsUrl = null
  readonly httpUrl: string
  readonly dataDirectory: string
  readonly closings: (string | undefined)[] = []
  closed: Promise<void> = Promise.resolve()

  constructor(settings: Settings) {
    this.amqpUrl = `amqp://${settings.host}:5672`
    this.httpUrl = `http://${settings.host}:15672`
    this.dataDirectory = settings.dataDirectory
  }

  close(reason?: string): Promise<void> {
    this.closings.push(reason)
    return this.closed
  }
}

let servers: FakeServer[]

const startServer: StartServer = (settings) => {
  const server = new FakeServer(settings)
  servers.push(server)
  return Promise.resolve(server)
}

function failingWith(error: unknown): StartServer {
  return async () => {
    throw error
  }
}

beforeEach(() => {
  servers = []
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

test('a store that failed ends the process with one line and no stack', async () => {
  const process = new FakeProcess([])
  await run(process, (settings) => Promise.resolve(new FakeServer(settings)))
  process.uncaught(Object.assign(new Error('the database in /d is damaged'), { name: 'StoreFailed' }))
  expect([process.stderr, process.exits]).toEqual([['leveret: the database in /d is damaged'], [73]])
})

describe('what is asked', () => {
  const asking = printingFlags.flatMap(({ flags }) => flags)
  test.each(asking)('%s prints, exits with 0 and starts nothing', async (flag) => {
    const program = new FakeProcess([flag])
    await run(program, startServer)
    expect(program.exits).toEqual([0])
    expect(program.stdout).not.toBe('')
    expect(servers).toEqual([])
  })

  test('--help answers however wrong the rest is', async () => {
    const program = new FakeProcess(['--nonsense', '--help'], { LEVERET_NONSENSE: '1' })
    await run(program, startServer)
    expect(program.stdout).toContain('--amqp-port')
    expect(program.stdout).toContain('LEVERET_DEFAULT_PASS, RABBITMQ_DEFAULT_PASS')
    expect(program.exits).toEqual([0])
  })

  test('--print-config shows each value with its source, and no secret', async () => {
    const program = new FakeProcess(
      ['start', '--print-config', '--config', 'l.json', '--data=/srv/l'],
      { RABBITMQ_DEFAULT_PASS: 'hunter2' },
      { 'l.json': '{"heartbeat": 10}' },
    )
    await run(program, startServer)
    expect(program.stdout).toMatch(/^data +\/srv\/l +flag --data$/m)
    expect(program.stdout).toMatch(/^heartbeat +10 +file l\.json$/m)
    expect(program.stdout).toMatch(/^default-pass +\*{8} +environment RABBITMQ_DEFAULT_PASS$/m)
    expect(program.stdout).toMatch(/^channel-max +2047 +default$/m)
    expect(program.stdout).not.toContain('hunter2')
  })

  test.each([[['start']], [[]]])('%j starts', async (argv) => {
    await run(new FakeProcess(argv), startServer)
    expect(servers).toHaveLength(1)
  })
})

describe('wrong settings', () => {
  test('are one line each on stderr, exit with 64, and start nothing', async () => {
    const program = new FakeProcess(['--amqp-port=-1', '--print-config'], { LEVERET_STOER: 'memory' })
    await run(program, startServer)
    expect(program.stderr).toEqual([
      'leveret: unknown environment variable LEVERET_STOER: did you mean LEVERET_STORE?',
      'leveret: amqp-port: -1 (from flag --amqp-port) is not an integer from 0 to 65535',
    ])
    expect([program.exits, program.stdout, servers]).toEqual([[exitCodes.usage.code], '', []])
  })

  test('a configuration file that cannot be read is named', async () => {
    const program = new FakeProcess([], { LEVERET_CONFIG: '/etc/l.json' })
    await run(program, startServer)
    expect(program.stderr).toEqual([
      'leveret: configuration file /etc/l.json cannot be read: '
      + 'Error: ENOENT: no such file, open \'/etc/l.json\'',
    ])
    expect(program.exits).toEqual([exitCodes.usage.code])
  })
})

describe('the start-up block', () => {
  test('says where to connect, where the data is and who may log in', async () => {
    const program = new FakeProcess(['--data', '/srv/leveret'])
    await run(program, startServer)
    expect(program.stdout).toBe([
      'Leveret 1.2.3',
      '  AMQP  amqp://127.0.0.1:5672  (all interfaces)',
      '  HTTP  http://127.0.0.1:15672  (all interfaces)',
      '  Data  /srv/leveret',
      '  User  guest, from this machine only',
      'Server startup complete in 210 ms',
      '',
    ].join('\n'))
    expect(program.exits).toEqual([])
  })

  test('says so when nothing is kept, and shows a host as it was given', async () => {
    const program = new FakeProcess(['--store=memory', '--host=::1', '--loopback-users=none'])
    await run(program, (settings, log) => startServer({ ...settings, host: '[::1]' }, log))
    expect(program.stdout).toContain('  AMQP  amqp://[::1]:5672\n')
    expect(program.stdout).toContain('  Data  in memory: gone when this ends\n  User  guest\n')
  })
})

describe('a failed start', () => {
  class DataDirectoryHeld extends Error {
    override name = 'DataDirectoryHeld'
  }
  class DataDirectoryNewer extends Error {
    override name = 'DataDirectoryNewer'
  }
  function system(code: string, more: object): Error {
    return Object.assign(new Error(`${code}: it failed`), { code, ...more })
  }

  function listening(code: string, port: number): Error {
    return system(code, { syscall: 'listen', port })
  }

  test.each<[string, unknown, number, RegExp]>([
    ['the AMQP port is taken', listening('EADDRINUSE', 5672), 69,
      /port 5672 on 0\.0\.0\.0 is taken .* choose another port with --amqp-port /],
    ['the HTTP port is taken', listening('EADDRINUSE', 15672), 69, /with --http-port /],
    ['a port needs privileges', listening('EACCES', 5672), 69, /above 1023 with --amqp-port/],
    ['the host is not ours', listening('EADDRNOTAVAIL', 5672), 69, /--host must be/],
    ['the directory is held', new DataDirectoryHeld('/srv/l is in use.'), 73, /l is in use\. .*--data/],
    ['the directory is newer', new DataDirectoryNewer('schema 9\nof 3.'), 73, /schema 9 of 3\. .*--data/],
    ['the directory is read-only', system('EACCES', { syscall: 'mkdir' }), 73, /data directory .*--data/],
    ['the file is no database', system('SQLITE_NOTADB', {}), 73, /SQLITE_NOTADB.*restore a backup/],
    ['anything else', new Error('ring is bent'), 70, /could not start: ring is bent/],
    ['something that is no Error', 'odd', 70, /could not start: odd/],
  ])('%s: one line and its exit code', async (_what, error, code, line) => {
    const program = new FakeProcess([])
    await run(program, failingWith(error))
    expect(program.stderr).toEqual([expect.stringMatching(line)])
    expect(program.stderr[0]).toMatch(/^leveret: [^\n]+$/)
    expect([program.exits, program.stdout]).toEqual([[code], ''])
  })

  test('one port for both listeners names both flags', async () => {
    const program = new FakeProcess(['--amqp-port=7000', '--http-port=7000'])
    await run(program, failingWith(listening('EADDRINUSE', 7000)))
    expect(program.stderr[0]).toContain('--amqp-port or --http-port')
  })
})

describe('stopping', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s closes the server and exits with 0', async (signal) => {
    const program = new FakeProcess([])
    await run(program, startServer)
    program.signal(signal)
    await vi.advanceTimersByTimeAsync(0)
    expect(servers[0]?.closings).toEqual(['shutdown'])
    expect(program.exits).toEqual([0])
  })

  test('a close that takes more than 5 seconds is given up with 1', async () => {
    const program = new FakeProcess([])
    await run(program, startServer)
    servers[0]!.closed = new Promise(() => undefined)
    program.signal('SIGTERM')
    await vi.advanceTimersByTimeAsync(4999)
    expect(program.exits).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(program.stderr).toEqual(['leveret: not stopped 5 seconds after SIGTERM: ending'])
    expect(program.exits).toEqual([exitCodes.slowStop.code])
  })

  test('a second signal ends at once', async () => {
    const program = new FakeProcess([])
    await run(program, startServer)
    servers[0]!.closed = new Promise(() => undefined)
    program.signal('SIGTERM')
    program.signal('SIGINT')
    expect(program.exits).toEqual([130])
  })

  test('a signal while starting stops as soon as it has started, without the block', async () => {
    const program = new FakeProcess([])
    let finish: () => void = () => undefined
    const started = new Promise<void>((resolve) => {
      finish = resolve
    })
    const running = run(program, async (settings, log) => {
      await started
      return startServer(settings, log)
    })
    await vi.dynamicImportSettled()
    program.signal('SIGTERM')
    expect(program.exits).toEqual([])
    finish()
    await running
    await vi.advanceTimersByTimeAsync(0)
    expect([program.exits, program.stdout]).toEqual([[0], ''])
  })

  test('a close that fails exits with 70', async () => {
    const program = new FakeProcess([])
    await run(program, startServer)
    servers[0]!.closed = Promise.reject(new Error('disk gone'))
    program.signal('SIGTERM')
    await vi.advanceTimersByTimeAsync(0)
    expect(program.exits).toEqual([exitCodes.internal.code])
  })

  test('an uncaught exception exits with 70', async () => {
    const program = new FakeProcess([])
    await run(program, startServer)
    program.uncaught(new Error('ring is bent'))
    expect(program.exits).toEqual([exitCodes.internal.code])
  })
})
