// rabbitmqctl and rabbitmq-diagnostics against a broker in memory: what they print beside what RabbitMQ's
// own printed, what they change, and how they end. The real one runs in compat-tests/command-line.test.ts.
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

async function tool(line: string, input = '', programName = 'rabbitmqctl'): Promise<FakeProcess> {
  const login = { LEVERET_URL: url, LEVERET_USER: 'hare', LEVERET_PASSWORD: 'pass:word' }
  const program = new FakeProcess(line.split(' ').filter((word) => word !== ''), login)
  program.programName = programName
  program.input = input
  await run(program, () => Promise.reject(new Error('nothing was to be started')))
  return program
}

async function codes(...lines: readonly string[]): Promise<number[]> {
  const all: number[] = []
  for (const line of lines) all.push(...(await tool(line)).exits)
  return all
}

/** Made by RabbitMQ 4.3.6's rabbitmqctl on the same objects, 2026-11-22; ⏎ ends a line, ⇥ is a tab. */
const printed: readonly (readonly [line: string, code: number, stdout: string, stderr: string])[] = [
  ['add_user u1 p1', 0, 'Adding user "u1" ...⏎Done. Don\'t forget to grant the user permissions to some '
    + 'virtual hosts! See \'rabbitmqctl help set_permissions\' to learn more.⏎', ''],
  ['add_user u1 p1', 70, 'Adding user "u1" ...⏎', 'Error:⏎User "u1" already exists'],
  ['set_user_tags u1 monitoring management', 0,
    'Setting tags for user "u1" to [monitoring, management] ...⏎', ''],
  ['set_user_tags nosuch monitoring', 67, 'Setting tags for user "nosuch" to [monitoring] ...⏎',
    'Error:⏎User "nosuch" does not exist'],
  ['change_password nosuch p2', 67, 'Changing password for user "nosuch" ...⏎',
    'Error:⏎User "nosuch" does not exist'],
  ['authenticate_user u1 bad', 65, 'Authenticating user "u1" ...⏎',
    'Error:⏎Error: failed to authenticate user "u1"⏎user \'u1\' - invalid credentials'],
  ['add_vhost v1', 0, 'Adding vhost "v1" ...⏎', ''],
  ['set_permissions -p v1 u1 .* ^a b$', 0, 'Setting permissions for user "u1" in vhost "v1" ...⏎', ''],
  ['set_permissions -p nosuch u1 .* ^a b$', 69, 'Setting permissions for user "u1" in vhost "nosuch" ...⏎',
    'Error:⏎Virtual host nosuch does not exist'],
  ['set_permissions -p v1 nosuch .* ^a b$', 67, 'Setting permissions for user "nosuch" in vhost "v1" ...⏎',
    'Error:⏎User nosuch does not exist'],
  ['list_user_permissions u1', 0,
    'Listing permissions for user "u1" ...⏎vhost⇥configure⇥write⇥read⏎v1⇥.*⇥^a⇥b$⏎', ''],
  ['list_vhosts', 0, 'Listing vhosts ...⏎name⏎/⏎v1⏎', ''],
  ['list_vhosts name tracing', 0, 'Listing vhosts ...⏎name⇥tracing⏎/⇥false⏎v1⇥false⏎', ''],
  ['list_queues', 0, 'Timeout: 60.0 seconds ...⏎Listing queues for vhost / ...⏎name⇥messages⏎q1⇥0⏎', ''],
  ['-s list_queues', 0, 'q1⇥0⏎', ''],
  ['-q list_queues name durable arguments policy', 0, 'name⇥durable⇥arguments⇥policy⏎'
    + 'q1⇥true⇥[{"x-max-length",10},{"x-queue-type","classic"}]⇥⏎', ''],
  ['-q list_queues --formatter json', 0, '[⏎{"name":"q1","messages":0}⏎]⏎', ''],
  ['list_queues -p nosuch', 0, 'Timeout: 60.0 seconds ...⏎Listing queues for vhost nosuch ...⏎', ''],
  ['-q list_bindings', 0, 'source_name⇥source_kind⇥destination_name⇥destination_kind⇥routing_key⇥arguments⏎'
    + '⇥exchange⇥q1⇥queue⇥q1⇥[]⏎', ''],
  ['list_connections', 0, 'Listing connections ...⏎', ''],
  ['list_consumers --formatter json', 0, '[⏎]⏎', ''],
  ['set_policy p1 ^q {"max-length":5} --priority 3 --apply-to queues', 0,
    'Setting policy "p1" for pattern "^q" to "{"max-length":5}" with priority "3" for vhost "/" ...⏎', ''],
  ['list_policies', 0, 'Listing policies for vhost "/" ...⏎vhost⇥name⇥pattern⇥apply-to⇥definition⇥priority⏎'
    + '/⇥p1⇥^q⇥queues⇥{"max-length":5}⇥3⏎', ''],
  ['clear_policy p1', 0, 'Clearing policy "p1" on vhost "/" ...⏎', ''],
  ['clear_policy p1', 69, 'Clearing policy "p1" on vhost "/" ...⏎', 'Error:⏎Parameter does not exist'],
  ['purge_queue q1', 0, 'Purging queue \'q1\' in vhost \'/\' ...⏎', ''],
  ['purge_queue nosuch', 65, 'Purging queue \'nosuch\' in vhost \'/\' ...⏎',
    'Object (queue, stream, exchange, etc) was not found'],
  ['delete_queue nosuch', 64, 'Deleting queue \'nosuch\' on vhost \'/\' ...⏎',
    'Error:⏎No such queue was found'],
  ['delete_queue q1 --if-empty', 0, 'Deleting queue \'q1\' on vhost \'/\' if queue is empty ...⏎'
    + 'Queue was successfully deleted with 0 ready messages⏎', ''],
  ['version', 0, '4.3.6⏎', ''],
  ['set_global_parameter a {"b":1}', 0, 'Setting global runtime parameter "a" to "{"b":1}" ...⏎', ''],
  ['list_global_parameters', 0, 'Listing global runtime parameters ...⏎name⇥value⏎a⇥{"b":1}⏎', ''],
  ['set_vhost_limits -p / {"max-connections":10}', 0,
    'Setting vhost limits to "{"max-connections":10}" for vhost "/" ...⏎', ''],
  ['clear_vhost_limits', 0, 'Clearing vhost "/" limits ...⏎', ''],
  ['delete_user u1', 0, 'Deleting user "u1" ...⏎', ''],
  ['delete_user u1', 0, 'Deleting user "u1" ...⏎', ''],
  ['delete_vhost v1', 0, 'Deleting vhost "v1" ...⏎', ''],
  ['delete_vhost v1', 65, 'Deleting vhost "v1" ...⏎', 'Virtual host \'v1\' does not exist'],
  ['clear_permissions -p / nosuch', 0, 'Clearing permissions for user "nosuch" in vhost "/" ...⏎', ''],
]

test('prints what RabbitMQ\'s own printed, and ends with its codes', async () => {
  await http.call('PUT', '/api/queues/%2F/q1', { body: { durable: true, arguments: { 'x-max-length': 10 } } })
  const lines = (text: string): string => text.replaceAll('\n', '⏎').replaceAll('\t', '⇥')
  for (const [line, code, stdout, stderr] of printed) {
    const ended = await tool(line)
    expect([line, ended.exits, lines(ended.stdout), lines(ended.stderr.join('\n'))])
      .toEqual([line, [code], stdout, stderr])
  }
})

test('a user is made, tagged, permitted and deleted', async () => {
  expect(await codes('add_user ann secret', 'set_user_tags ann monitoring management',
    'set_permissions -p / ann ^a .* .*', 'change_password ann other')).toEqual([0, 0, 0, 0])
  expect(http.broker.users.get('ann')!.tags).toEqual(['monitoring', 'management'])
  expect(http.broker.access.accessOf('ann', '/').permission).toEqual({ configure: '^a', write: '.*',
    read: '.*' })
  expect(await codes('clear_permissions ann', 'delete_user ann', 'delete_user ann')).toEqual([0, 0, 0])
  expect(http.broker.users.has('ann')).toBe(false)
})

test('a password may come from stdin, and must not be empty', async () => {
  expect((await tool('add_user ann', 'secret\n')).exits).toEqual([0])
  expect((await tool('add_user bob')).exits).toEqual([65])
  expect([...http.broker.users.keys()]).toContain('ann')
})

test('what is not there has RabbitMQ\'s exit codes', async () => {
  expect(await codes('change_password nosuch x', 'set_user_tags nosuch x', 'set_permissions nosuch a b c',
    'set_permissions -p nosuch hare a b c', 'add_user hare x', 'delete_vhost nosuch', 'purge_queue nosuch',
    'delete_queue nosuch', 'clear_policy nosuch')).toEqual([67, 67, 67, 69, 70, 65, 65, 64, 69])
})

test('a wrong use is 64 and changes nothing', async () => {
  expect(await codes('', 'nosuch', 'add_user', 'add_user a b c', 'list_queues nosuch', 'list_queues --bogus',
    'list_users --formatter erlang')).toEqual([64, 64, 64, 64, 64, 64, 64])
  const { stdout, stderr } = await tool('list_queues name nosuch')
  expect([stdout, stderr.join()]).toEqual(['',
    expect.stringContaining('Info key(s) nosuch are not supported')])
})

test('policies are set with priority and kind, and cleared', async () => {
  expect(await codes('set_policy p ^q {"max-length":5} --priority 3 --apply-to queues',
    'set_policy p ^q {"nosuch":5}', 'set_policy p ^q nojson')).toEqual([0, 69, 69])
  expect(http.vhost.policies.find('policy', 'p')).toMatchObject({ priority: 3, applyTo: 'queues' })
  expect(await codes('set_operator_policy o .* {"expires":9000}', 'clear_policy p',
    'clear_operator_policy o'))
    .toEqual([0, 0, 0])
})

test('queues are purged and deleted, if empty', async () => {
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
  const body = { properties: {}, routing_key: 'q', payload: 'x', payload_encoding: 'string' }
  await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
  expect((await tool('delete_queue q --if-empty')).exits).toEqual([64])
  expect((await tool('purge_queue q')).exits).toEqual([0])
  expect((await tool('-q delete_queue q -e')).stdout)
    .toBe('Queue was successfully deleted with 0 ready messages\n')
  expect(http.vhost.queues.size).toBe(0)
})

test('definitions go out and come in', async () => {
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
  const { stdout } = await tool('export_definitions -')
  await http.call('DELETE', '/api/queues/%2F/q')
  expect((await tool('import_definitions', stdout)).exits).toEqual([0])
  expect(http.vhost.findQueue('q')).not.toBeNull()
  expect((await tool('import_definitions /nosuch')).exits).toEqual([65])
})

test('checks need no login, and are 69 when the broker is not ready', async () => {
  const program = new FakeProcess(['-q', 'check_running'], { LEVERET_URL: url, LEVERET_USER: 'nosuch' })
  program.programName = 'rabbitmq-diagnostics'
  await run(program, () => Promise.reject(new Error('nothing was to be started')))
  expect([program.exits, program.stdout]).toEqual([[0],
    `RabbitMQ on node ${url} is fully booted and running\n`])
  http.node.ready = false
  expect(await codes('ping', 'check_running', 'await_startup -t 1')).toEqual([0, 69, 75])
})

test('an alarm is 69', async () => {
  expect(await codes('check_local_alarms', 'check_alarms')).toEqual([0, 0])
  http.broker.alarms.isDiskLow = true
  expect(await codes('check_local_alarms', 'check_alarms')).toEqual([69, 69])
})

test('ports that nobody listens on are 69', async () => {
  expect(await codes('check_port_listener 5672', 'check_port_listener 1', 'check_protocol_listener amqp',
    'check_protocol_listener nosuch')).toEqual([0, 69, 0, 69])
})

test('another node is never asked in the place of the one that was named', async () => {
  const { exits, stderr } = await tool('-n rabbit@elsewhere purge_queue q')
  expect([exits, stderr.join()]).toEqual([[69], expect.stringContaining('unable to perform an operation')])
})

test('a password is tried without tags being needed', async () => {
  expect(await codes('authenticate_user nobody pass:word', 'authenticate_user nobody wrong')).toEqual([0, 65])
})

test('every list can be asked for, as a table and as JSON', async () => {
  const lists = ['queues', 'exchanges', 'bindings', 'connections', 'channels', 'consumers', 'users', 'vhosts',
    'permissions', 'topic_permissions', 'policies', 'operator_policies', 'global_parameters', 'feature_flags']
  for (const name of lists) {
    expect([name, (await tool(`list_${name}`)).exits]).toEqual([name, [0]])
    const { stdout } = await tool(`list_${name} --formatter json`)
    expect([name, Array.isArray(JSON.parse(stdout))]).toEqual([name, true])
  }
  expect((await tool('-q list_users --formatter csv')).stdout).toContain('"hare","[administrator]"\n')
  expect((await tool('list_users --formatter pretty_table')).stdout).toContain('│ hare    │ '
    + '[administrator] │')
})

test('the tools are also words behind leveret', async () => {
  const { stdout, exits } = await tool('rabbitmqctl -q list_users', '', 'leveret')
  expect([stdout, exits]).toEqual([expect.stringContaining('hare\t[administrator]'), [0]])
})
