// RabbitMQ's command line tools on both brokers: rabbitmqctl's own and Leveret's of the same name, and
// Debian's rabbitmqadmin, the current one. One call of rabbitmqctl, since each starts an Erlang machine,
// which takes half a minute of a busy computer: cli/rabbitmq/run-tool.test.ts pins what RabbitMQ's printed
// for the others.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'
import { Management } from './harness/management.ts'
import type { Session } from './harness/session.ts'
import { call, callTool } from './harness/tools.ts'
import type { Ended } from './harness/tools.ts'

const BOUND_MS = 300_000

/** A queue with arguments and a message, in a vhost of its own. */
async function prepare(http: Management, { name }: Session): Promise<string> {
  const vhost = `tools-${name()}`
  await http.put(`/vhosts/${vhost}`)
  await http.put(`/queues/${vhost}/orders`, { durable: true, arguments: { 'x-max-length': 10 } })
  await http.post(`/exchanges/${vhost}/amq.default/publish`,
    { properties: {}, routing_key: 'orders', payload: 'x', payload_encoding: 'string' })
  return vhost
}

forEachTarget((test, target) => {
  const http = new Management(target)

  test('rabbitmqctl lists queues for scripts', async (session) => {
    const vhost = await prepare(http, session)
    const columns = ['name', 'messages', 'durable', 'type', 'state', 'policy', 'arguments']
    const { stdout, stderr, code } = await callTool(target.tools!, 'rabbitmqctl',
      ['list_queues', ...columns, '--vhost', vhost, '--formatter', 'json'])
    expect([code, stderr, stdout.split('\n').length, JSON.parse(stdout)]).toEqual([0, '', 4, [{
      name: 'orders', messages: 1, durable: true, type: 'classic', state: 'running', policy: '',
      arguments: [['x-max-length', 'long', 10], ['x-queue-type', 'longstr', 'classic']],
    }]])
    await http.delete(`/vhosts/${vhost}`)
  }, BOUND_MS)
}, ({ tools }) => tools !== null)

/** Debian's rabbitmqadmin comes with its RabbitMQ; an older one's is another program, asked of it alone. */
const isOlderTool = inject('targets').some(({ isRabbit3 }) => isRabbit3)
const root = inject('targets').map(({ tools }) => tools?.root ?? null)
  .find((each) => each !== null && existsSync(join(each, 'usr/bin/rabbitmqadmin'))) ?? null

/** Any certificate: it refuses to start where there is none at all, although it uses none over http. */
const certificate = `/tmp/leveret-tools-${process.pid}.pem`

beforeAll(async () => {
  if (root === null) return
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
    '-keyout', '/dev/null', '-subj', '/CN=any', '-out', join(root, certificate)])
})

afterAll(async () => {
  if (root !== null) await rm(join(root, certificate), { force: true })
})

forEachTarget((test, target) => {
  const http = new Management(target)
  const admin = (...words: string[]): Promise<Ended> => {
    const { port, hostname } = new URL(target.httpUrl!)
    return call(['chroot', root!, '/usr/bin/env', '-i', 'HOME=/root', `SSL_CERT_FILE=${certificate}`,
      '/usr/bin/rabbitmqadmin', '--host',
      hostname,
      '--port', port, '--username', target.user, '--password', target.password, '--non-interactive',
        ...words])
  }
  test('Debian\'s rabbitmqadmin declares, lists and deletes', async (session) => {
    const vhost = await prepare(http, session)
    const inVHost = (...words: string[]): Promise<Ended> => admin('--vhost', vhost, ...words)
    for (const words of [
      ['declare', 'queue', '--name', 'q', '--type', 'quorum', '--durable', 'true'],
      ['declare', 'exchange', '--name', 'x', '--type', 'topic', '--durable', 'true'],
      ['declare', 'binding', '--source', 'x', '--destination-type', 'queue', '--destination', 'q',
        '--routing-key', 'a.#'],
      ['declare', 'policy', '--name', 'p', '--pattern', '^q', '--apply-to', 'queues', '--priority', '1',
        '--definition', '{"max-length":5}'],
      ['publish', 'message', '--exchange', 'x', '--routing-key', 'a.b', '--payload', 'hello'],
    ]) {
      const { code, stderr } = await inVHost(...words)
      expect([words, code, stderr]).toEqual([words, 0, ''])
    }
    for (const words of [['bindings', 'list'], ['policies', 'list'], ['get', 'messages', '--queue', 'q']]) {
      const { code, stderr } = await inVHost(...words)
      expect([words, code, stderr]).toEqual([words, 0, ''])
    }
    expect((await inVHost('exchanges', 'list')).stdout).toMatch(/\bx\b.*\btopic\b/)
    for (const words of [['delete', 'queue', '--name', 'q'], ['delete', 'exchange', '--name', 'x']]) {
      expect((await inVHost(...words)).code).toBe(0)
    }
    await http.delete(`/vhosts/${vhost}`)
  }, BOUND_MS)

  test('Debian\'s rabbitmqadmin reads every list and page', async () => {
    const groups = ['queues', 'exchanges', 'bindings', 'connections', 'channels', 'users', 'vhosts',
      'permissions',
      'policies', 'operator_policies', 'nodes', 'user_limits', 'vhost_limits', 'feature_flags',
      'deprecated_features', 'parameters', 'global_parameters']
    for (const group of groups) {
      const { code, stderr } = await admin(group, 'list')
      expect([group, code, stderr]).toEqual([group, 0, ''])
    }
    for (const words of [['show', 'overview'], ['show', 'churn'], ['health_check', 'local_alarms'],
      ['definitions', 'export', '--stdout']]) {
      const { code, stderr } = await admin(...words)
      expect([words, code, stderr]).toEqual([words, 0, ''])
    }
  }, BOUND_MS)
}, ({ httpUrl, isRabbit3 }) => root !== null && httpUrl !== null && isRabbit3 === isOlderTool)
