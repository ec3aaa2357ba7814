// Commands against a broker in memory, over a real socket: what they print for people and for programs, what
// they change, and how they end when the broker refuses.
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeProcess } from '../test/cli/fake-process.ts'
import { OpenHttp } from '../test/http/open-http.ts'
import { commands } from './commands.ts'
import { run } from './run.ts'

let http: OpenHttp
let url: string

beforeEach(async () => {
  http = await OpenHttp.start()
  url = await http.app.listen({ host: '127.0.0.1', port: 0 })
})

afterEach(() => http.close())

async function leveret(words: readonly string[], input = '', files: Record<string,
  string> = {}): Promise<FakeProcess> {
  const login = { LEVERET_URL: url, LEVERET_USER: 'hare', LEVERET_PASSWORD: 'pass:word' }
  const program = new FakeProcess(words, login, files)
  program.input = input
  await run(program, () => Promise.reject(new Error('nothing was to be started')))
  return program
}

/** Nobody listens there: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Of a call that has to succeed. */
async function json(words: readonly string[], input = ''): Promise<unknown> {
  const { stdout, stderr, exits } = await leveret([...words, '--json'], input)
  expect([words, stderr, exits]).toEqual([words, [], [0]])
  return JSON.parse(stdout)
}

async function succeed(...calls: readonly string[]): Promise<void> {
  for (const call of calls) {
    const { stderr, exits } = await leveret(call.split(' '))
    expect([call, stderr, exits]).toEqual([call, [], [0]])
  }
}

describe('queues, exchanges and bindings', () => {
  test('are declared and listed', async () => {
    await succeed('declare queue orders --arguments {"x-max-length":9}', 'declare exchange shop topic',
      'declare binding shop orders order.#')
    expect(await json(['list', 'queues', 'name', 'durable', 'arguments'])).toEqual([
      { name: 'orders', durable: true, arguments: { 'x-max-length': 9, 'x-queue-type': 'classic' } },
    ])
    expect((await leveret(['list', 'bindings', 'source', 'destination', 'routing_key'])).stdout).toBe([
      'source  destination  routing_key', '        orders       orders', 'shop    orders       order.#', '',
    ].join('\n'))
  })

  test('are deleted, a binding by its key', async () => {
    await succeed('declare queue q --type quorum', 'declare queue e', 'delete queue e --if-empty',
      'declare exchange x fanout --transient',
      'declare binding x q a',
      'declare binding x q b --arguments {"k":1}', 'delete binding x q a')
    expect(await json(['list', 'bindings', 'routing_key'])).toEqual([{ routing_key: 'q' },
      { routing_key: 'b' }])
    await succeed('delete binding x q b', 'delete exchange x --if-unused', 'delete queue q')
    expect(http.vhost.queues.size).toBe(0)
  })

  test('that are not there are told so', async () => {
    const missing = await leveret(['delete', 'queue', 'nosuch'])
    expect([missing.stderr, missing.exits])
      .toEqual([[`leveret: the broker at ${url} refused (404): Not Found: /api/queues/%2F/nosuch`], [1]])
    await succeed('declare queue q', 'declare exchange x')
    expect((await leveret(['delete', 'binding', 'x', 'q', 'k'])).stderr)
      .toEqual(['leveret: there is no binding from x to q with key \'k\''])
  })

  test('two bindings with one key are not guessed among', async () => {
    await succeed('declare queue q', 'declare exchange x headers', 'declare binding x q --arguments {"a":1}',
      'declare binding x q --arguments {"a":2}')
    const guess = await leveret(['delete', 'binding', 'x', 'q'])
    expect([guess.stderr.join(), guess.exits]).toEqual([expect.stringContaining('--arguments says which'),
      [1]])
    await succeed('delete binding x q --arguments {"a":2}')
  })
})

describe('messages', () => {
  beforeEach(() => succeed('declare queue q'))

  test('are published from an operand or from stdin, and got without being taken', async () => {
    await succeed('publish amq.default q hello --properties {"priority":3}')
    await leveret(['publish', '', 'q'], 'from stdin')
    expect(await json(['get', 'q', '--count', '5'])).toMatchObject([
      { payload: 'hello', properties: { priority: 3, delivery_mode: 2 } }, { payload: 'from stdin' },
    ])
    expect(http.vhost.findQueue('q')!.readyCount).toBe(2)
    expect(await json(['get', 'q', '--ack'])).toMatchObject([{ payload: 'hello', redelivered: true }])
    expect(http.vhost.findQueue('q')!.readyCount).toBe(1)
  })

  test('that go to no queue end with 1', async () => {
    const { stdout, exits } = await leveret(['publish', 'amq.topic', 'nowhere', 'x'])
    expect([stdout, exits]).toEqual(['published 1, of which 1 went to no queue\n', [1]])
  })

  test('are consumed until the queue is empty', async () => {
    await succeed('publish amq.default q x --count 3')
    expect((await leveret(['consume', 'q', '--count', '2'])).stdout).toBe('x\nx\n')
    const { stdout, exits } = await leveret(['consume', 'q', '--json'])
    expect([JSON.parse(stdout), exits]).toMatchObject([{ payload: 'x', message_count: 0 }, [0]])
    expect(http.vhost.findQueue('q')!.readyCount).toBe(0)
  })

  test('are purged', async () => {
    await succeed('publish amq.default q x --count 3', 'purge q')
    expect((await leveret(['get', 'q'])).stdout).toBe('queue q is empty\n')
  })

  test('bench puts some through a queue that it deletes again', async () => {
    expect(await json(['bench', '--messages', '30', '--size', '10'])).toMatchObject({ published: 30,
      taken: 30 })
    expect([...http.vhost.queues.keys()]).toEqual(['q'])
  })
})

describe('dead letters', () => {
  beforeEach(() => succeed('declare queue dead',
    'declare queue q --arguments '
      + '{"x-dead-letter-exchange":"","x-dead-letter-routing-key":"dead","x-max-length":1}',
    'publish amq.default q x --count 3'))

  test('are listed by queue, source and reason', async () => {
    expect(await json(['dlq', 'list'])).toMatchObject([{ queue: 'dead', source: 'q', reason: 'maxlen',
      messages: 2 }])
    expect((await leveret(['dlq', 'list'])).stdout).toContain('maxlen')
  })

  test('are shown and stay as they are', async () => {
    expect(await json(['dlq', 'show', 'dead', '--count', '1'])).toMatchObject([{ routing_key: 'dead' }])
    expect((await leveret(['browse', 'q'])).stdout).toContain('payload')
    expect(http.vhost.findQueue('dead')!.readyCount).toBe(2)
  })

  test('are shown with what they died of, one of them whole', async () => {
    const { stdout } = await leveret(['dlq', 'show', 'dead'])
    expect(stdout).toMatch(/^id +death\.queue +death\.reason/)
    const [, { id }] = await json(['dlq', 'show', 'dead']) as [unknown, { id: number }]
    expect(await json(['dlq', 'show', 'dead', String(id)])).toMatchObject({ id, death: { queue: 'q' } })
    expect((await leveret(['dlq', 'show', 'dead', '999999'])).exits).toEqual([1])
  })

  test('are deleted by their ids or by a filter, and never all by mistake', async () => {
    await succeed('publish amq.default dead other')
    const [{ id }] = await json(['dlq', 'show', 'dead']) as [{ id: number }]
    expect(await json(['dlq', 'delete', 'dead', String(id), '999999'])).toEqual({ deleted: 1 })
    expect(await json(['dlq', 'delete', 'dead', '--filter', '{"death_reason":"maxlen"}']))
      .toEqual({ deleted: 1 })
    expect(await json(['dlq', 'show', 'dead'])).toMatchObject([{ payload: 'other' }])
    expect((await leveret(['dlq', 'delete', 'dead'])).exits).toEqual([64])
    expect((await leveret(['dlq', 'delete', 'dead', '1', '--filter', '{"body":"x"}'])).exits).toEqual([64])
    const misspelt = ['dlq', 'delete', 'dead', '--filter', '{"size_min":1,"rooting_key":"dead"}']
    expect((await leveret(misspelt)).exits).toEqual([1])
    expect(http.vhost.findQueue('dead')!.readyCount).toBe(1)
  })

  test('are found by what they carry', async () => {
    await leveret(['publish', 'amq.default', 'q', 'y', '--properties', '{"headers":{"shop":"a"},"type":"t"}'])
    await succeed('publish amq.default q z')
    const filter = '{"headers":{"shop":"a"},"properties":{"type":"t"}}'
    expect(await json(['dlq', 'show', 'dead', '--filter', filter])).toMatchObject([{ payload: 'y' }])
    expect(await json(['dlq', 'redrive', 'dead', '--dry-run', '--filter', filter]))
      .toMatchObject({ messages: 1 })
  })

  test('go to a file and come back, history included', async () => {
    const { files, stdout, exits } = await leveret(['dlq', 'export', 'dead', 'dead.ndjson'])
    expect([stdout, exits]).toEqual(['2 messages of queue dead written to dead.ndjson\n', [0]])
    await succeed('purge dead')
    const back = await leveret(['dlq', 'import', 'dead', 'dead.ndjson'], '', files)
    expect([back.stdout, back.exits]).toEqual(['2 messages put into queue dead\n', [0]])
    expect(await json(['dlq', 'show', 'dead'])).toMatchObject([
      { death: { queue: 'q', reason: 'maxlen' } }, { death: { queue: 'q', reason: 'maxlen' } },
    ])
  })

  test('go through stdout and stdin, as many as there are', async () => {
    const lines = Array.from({ length: 2_500 }, (_, n) => `{"routing_key":"dead","payload":"${n}"}\n`)
    expect(await json(['dlq', 'import', 'dead'], lines.join(''))).toEqual({ imported: 2_500, rejected: 0 })
    const { stdout } = await leveret(['dlq', 'export', 'dead', '--filter', '{"body":"249"}'])
    expect(stdout.trim().split('\n').map((line) => (JSON.parse(line) as { payload: string }).payload))
      .toEqual(['249', '1249', '2249', ...Array.from({ length: 10 }, (_, n) => `249${n}`)])
  })

  test('that cannot be put say which, and how many were', async () => {
    const lines = Array.from({ length: 1_200 }, () => '{"routing_key":"dead","payload":""}')
    lines[1_100] = 'no'
    const { stderr, exits } = await leveret(['dlq', 'import', 'dead'], lines.join('\n'))
    expect([stderr.join(), exits]).toEqual([expect.stringMatching(
      /line 101: .*\(counted from line 1001; 1000 messages before that were imported\)$/), [1]])
    await succeed('declare queue full --arguments {"x-max-length":1,"x-overflow":"reject-publish"}')
    expect((await leveret(['dlq', 'import', 'full'], lines.slice(0, 3).join('\n'))).exits).toEqual([1])
    expect((await leveret(['dlq', 'import', 'dead', 'nosuch'])).exits).toEqual([66])
  })

  test('a queue is browsed by state, too', async () => {
    await leveret(['publish', 'amq.default', 'dead', 'late', '--properties', '{"headers":{"x-delay":60000}}'])
    expect(await json(['browse', 'dead', '--state', 'delayed'])).toMatchObject([{ payload: 'late' }])
    expect((await leveret(['browse', 'dead', '--state', 'delayed'])).stdout).toContain('due_at')
    expect((await leveret(['browse', 'dead', '--state', 'unacked'])).stdout)
      .toBe('nothing is unacked in queue dead\n')
    expect((await leveret(['browse', 'dead', '--state', 'lost'])).exits).toEqual([64])
  })

  test('go back to where they died', async () => {
    await succeed('purge q')
    expect(await json(['dlq', 'redrive', 'dead', '--dry-run'])).toMatchObject({ messages: 2 })
    expect(http.vhost.findQueue('dead')!.readyCount).toBe(2)
    expect(await json(['dlq', 'redrive', 'dead'])).toMatchObject({ state: 'done', moved: 2 })
    expect(http.vhost.findQueue('q')!.readyCount).toBe(1)
    expect((await leveret(['dlq', 'redrive', 'nosuch'])).exits).toEqual([1])
  })
})

describe('users, permissions, vhosts and policies', () => {
  test('users are added, tagged, given passwords and deleted', async () => {
    await leveret(['user', 'add', 'ann', '--tags', 'monitoring,management'], 'from stdin\n')
    const { passwordHash } = http.broker.users.get('ann')!
    await succeed('user tags ann policymaker')
    expect(http.broker.users.get('ann')).toMatchObject({ tags: ['policymaker'], passwordHash })
    await succeed('user passwd ann new')
    expect(http.broker.users.get('ann')!.passwordHash).not.toBe(passwordHash)
    expect(http.broker.users.get('ann')!.tags).toEqual(['policymaker'])
    expect(await json(['user', 'list', 'name'])).toContainEqual({ name: 'ann' })
    await succeed('user delete ann')
    expect(http.broker.users.has('ann')).toBe(false)
  })

  test('an empty password is not taken', async () => {
    expect((await leveret(['user', 'add', 'ann'], '\n')).exits).toEqual([64])
    expect(http.broker.users.has('ann')).toBe(false)
  })

  test('a vhost is made, entered and deleted', async () => {
    await succeed('vhost add shop --description a', 'permission set manager ^a ^b ^c --vhost shop')
    expect(await json(['permission', 'list', '--vhost', 'shop', 'user', 'read'])).toEqual([
      { user: 'hare', read: '.*' }, { user: 'manager', read: '^c' },
    ])
    await succeed('declare queue inside --vhost shop', 'permission clear manager --vhost shop')
    expect(http.broker.vhosts.get('shop')!.findQueue('inside')).not.toBeNull()
    await succeed('vhost delete shop')
    expect(http.broker.vhosts.has('shop')).toBe(false)
  })

  test('policies are set, listed and cleared', async () => {
    await succeed('policy set p ^q {"max-length":5} --priority 2 --apply-to queues',
      'policy set o .* {"expires":9000} --operator')
    expect(await json(['policy', 'list'])).toEqual([
      { 'vhost': '/', 'name': 'p', 'pattern': '^q', 'apply-to': 'queues', 'priority': 2,
        'definition': { 'max-length': 5 } },
    ])
    await succeed('policy clear p', 'policy clear o --operator')
    expect(await json(['policy', 'list'])).toEqual([])
  })
})

describe('definitions', () => {
  test('go to a file and come back', async () => {
    await succeed('declare queue q')
    const { files } = await leveret(['definitions', 'export', 'd.json'])
    await succeed('delete queue q')
    expect((await leveret(['definitions', 'import', 'd.json'], '', files)).exits).toEqual([0])
    expect(http.vhost.findQueue('q')).not.toBeNull()
  })

  test('of one vhost go through stdout and stdin', async () => {
    await succeed('declare queue q', 'vhost add copy')
    const { stdout } = await leveret(['definitions', 'export', '--vhost', '/'])
    expect((await leveret(['definitions', 'import', '--vhost', 'copy'], stdout)).exits).toEqual([0])
    expect(http.broker.vhosts.get('copy')!.findQueue('q')).not.toBeNull()
  })

  test('that cannot be read are 66, that are no JSON 65', async () => {
    expect((await leveret(['definitions', 'import', 'nosuch'])).exits).toEqual([66])
    expect((await leveret(['definitions', 'import'], 'no')).exits).toEqual([65])
    expect((await leveret(['definitions', 'import'], '3')).exits).toEqual([65])
  })
})

describe('status and lists', () => {
  test('status says what there is', async () => {
    const { stdout } = await leveret(['status'])
    expect(stdout).toMatch(/^broker +Leveret 1\.2\.3 at http:/m)
    expect(stdout).toMatch(/^alarms +none$/m)
    expect(stdout).toMatch(/^queues +0$/m)
  })

  test('every list has its columns', async () => {
    for (const { words } of commands.filter((each) => each.words.startsWith('list '))) {
      const { stderr, exits } = await leveret(words.split(' '))
      expect([words, stderr, exits]).toEqual([words, [], [0]])
    }
  })

  test('a name cannot move the cursor', async () => {
    await leveret(['declare', 'queue', 'a\u001b[2Jb'])
    expect((await leveret(['list', 'queues', 'name'])).stdout).toBe('name\na\\x1b[2Jb\n')
  })
})

describe('what is wrong', () => {
  test.each([
    [['nosuch'], 'unknown command "nosuch"'],
    [['lits', 'queues'], 'did you mean list?'],
    [['list', 'queue'], 'list what? queues, exchanges'],
    [['policy'], 'policy what? set, clear, list'],
    [['purge'], 'usage: leveret purge QUEUE'],
    [['purge', 'a', 'b'], 'usage: leveret purge QUEUE'],
    [['get', 'q', '--count'], '--count needs N'],
    [['get', 'q', '--count', 'many'], '--count: "many" is not an integer from 1 to 100000'],
    [['get', 'q', '--cuont', '1'], 'unknown flag --cuont'],
    [['policy', 'set', 'p', 'x', '{}', '--priority', 'x'], '--priority: "x" is not an integer'],
  ])('%j is 64', async (words, line) => {
    const { stderr, exits } = await leveret(words)
    expect([stderr.join(), exits]).toEqual([expect.stringContaining(line), [64]])
  })

  test('what should be JSON and is not is 65', async () => {
    expect((await leveret(['declare', 'queue', 'q', '--arguments', 'x'])).exits).toEqual([65])
    expect((await leveret(['declare', 'queue', 'q', '--arguments', '[1]'])).exits).toEqual([65])
  })

  test('no broker is 69, a wrong password 77, and neither shows the password', async () => {
    const nobody = await leveret(['status', '--url', `http://127.0.0.1:${await closedPort()}`])
    expect([nobody.stderr.join(), nobody.exits]).toEqual([expect.stringContaining('ECONNREFUSED'), [69]])
    const wrong = await leveret(['status', '--password', 'hunter2'])
    expect([wrong.stderr.join(), wrong.exits]).toEqual([expect.stringContaining('user \'hare\' (401)'), [77]])
    expect(wrong.stderr.join()).not.toContain('hunter2')
    expect((await leveret(['status', '--url', 'nowhere'])).exits).toEqual([64])
  })
})

test('a command explains itself', async () => {
  const { stdout, exits } = await leveret(['get', '--help'])
  expect([stdout, exits]).toEqual([expect.stringContaining('leveret get QUEUE [--count N] [--ack]'), [0]])
})

test('no command is a word of another and an operand', () => {
  const firsts = commands.map(({ words }) => words).filter((words) => !words.includes(' '))
  const longer = commands.map(({ words }) => words.split(' ')).filter(({ length }) => length > 1)
  expect(longer.filter(([first]) => firsts.includes(first!))).toEqual([])
})
