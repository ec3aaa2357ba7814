// rabbitmqadmin in its first form, against a broker in memory.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeProcess } from '../../test/cli/fake-process.ts'
import { OpenHttp } from '../../test/http/open-http.ts'
import { run } from '../run.ts'

let http: OpenHttp
let url: string

beforeEach(async () => {
  http = await OpenHttp.start()
  url = await http.app.listen({ host: '127.0.0.1', port: 0 })
})

afterEach(() => http.close())

async function admin(line: string, files: Record<string, string> = {}): Promise<FakeProcess> {
  const { port } = new URL(url)
  const program = new FakeProcess(
    ['-H', '127.0.0.1', '-P', port, '-u', 'hare', '--password=pass:word', ...line.split(' ')], {}, files)
  program.programName = 'rabbitmqadmin'
  await run(program, () => Promise.reject(new Error('nothing was to be started')))
  return program
}

async function says(line: string): Promise<string> {
  const { stdout, stderr, exits } = await admin(line)
  expect([line, stderr, exits]).toEqual([line, [], [0]])
  return stdout
}

test('declares, publishes, gets, purges and deletes', async () => {
  expect(await says('declare queue name=q queue_type=quorum')).toBe('queue declared\n')
  expect(http.vhost.findQueue('q')!.type.name).toBe('quorum')
  expect(await says('declare exchange name=x type=topic')).toBe('exchange declared\n')
  expect(await says('declare binding source=x destination=q routing_key=a.#')).toBe('binding declared\n')
  expect(await says('publish exchange=x routing_key=a.b payload=hello')).toBe('Message published\n')
  expect(await says('publish routing_key=nowhere payload=x')).toBe('Message published but NOT routed\n')
  expect(await says('get queue=q')).toContain('| a.b         | x        | 0             | hello   |')
  expect(await says('purge queue name=q')).toBe('queue purged\n')
  expect(await says('delete binding source=x destination_type=queue destination=q properties_key=a.%23'))
    .toBe('binding deleted\n')
  expect(await says('-q delete queue name=q')).toBe('')
})

test('makes users, permissions, policies and vhosts', async () => {
  await says('declare vhost name=v')
  await says('declare user name=ann password=x tags=monitoring')
  await says('declare permission vhost=v user=ann configure=^a write=.* read=.*')
  await says('-V v declare policy name=p pattern=^q definition={"max-length":5} priority=2')
  expect(http.broker.access.accessOf('ann', 'v').permission).toMatchObject({ configure: '^a' })
  expect(http.broker.vhosts.get('v')!.policies.find('policy', 'p')).toMatchObject({ priority: 2 })
  await says('delete user name=ann')
  expect(http.broker.users.has('ann')).toBe(false)
})

test('lists in every format', async () => {
  await says('declare queue name=q')
  expect(await says('list queues')).toBe([
    '+------+----------+', '| name | messages |', '+------+----------+', '| q    | 0        |',
    '+------+----------+', '',
  ].join('\n'))
  expect(await says('-f tsv list queues name durable')).toBe('name\tdurable\nq\tTrue\n')
  expect(await says('-f kvp list queues name messages')).toBe('name="q" messages="0"\n')
  expect(await says('-f bash list queues')).toBe('q\n')
  expect(await says('-f raw_json list queues name')).toBe('[{"name":"q"}]\n')
  expect(await says('-f long list queues name')).toContain('\nname: q\n')
  expect(await says('list connections')).toBe('No items\n')
  expect(await says('show overview')).toContain('| rabbitmq_version |')
})

test('definitions go to a file and come back', async () => {
  await says('declare queue name=q')
  const { files } = await admin('export d.json')
  await says('delete queue name=q')
  expect((await admin('import d.json', files)).exits).toEqual([0])
  expect(http.vhost.findQueue('q')).not.toBeNull()
})

test.each([
  ['bogus', 'Action bogus not understood'],
  ['list nosuch', 'Don\'t know how to list nosuch'],
  ['purge exchange name=x', 'Don\'t know how to purge exchange'],
  ['declare queue', 'mandatory argument "name" is required'],
  ['declare queue name', 'Argument "name" not in the name=value format'],
  ['declare queue name=q bogus=1', 'Argument "bogus" not recognised'],
  ['declare queue name=q arguments=x', 'Could not parse JSON'],
  ['-f yaml list queues', 'Format yaml not recognised'],
  ['--bogus list queues', 'no such option: --bogus'],
  ['import nosuch', 'Could not read nosuch'],
  ['delete queue name=nosuch', '(404): Not Found'],
  ['declare exchange name=x type=nosuch', '*** unknown exchange type \'nosuch\''],
])('%s fails with 1', async (line, message) => {
  const { stdout, stderr, exits } = await admin(line)
  expect([stdout, stderr.join(), exits]).toEqual(['', expect.stringContaining(message), [1]])
})
