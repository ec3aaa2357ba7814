// What health checks, readiness probes and init scripts ask: is it up, does it listen, is anything in alarm.
// Called through tool-commands.ts. Those that RabbitMQ answers without a login need none here: the door
// answers them to all.

import { once } from 'node:events'
import { connect } from 'node:net'
import { BrokerClient, pathOf, Refused } from '../broker-client.ts'
import { CommandFailed } from '../command-failed.ts'
import { ToolFailed } from './tool.ts'
import type { ToolCall, ToolCommand } from './tool.ts'

interface Health {
  readonly status: string
  readonly reason?: string
}

interface Listener {
  readonly protocol: string
  readonly ip_address: string
  readonly port: number
}

interface Overview {
  readonly product_name: string
  readonly product_version: string
  readonly rabbitmq_version: string
  readonly cluster_name: string
  readonly object_totals: Readonly<Record<string, number>>
  readonly listeners?: readonly Listener[]
}

const AWAIT_SECONDS = 300
const AWAIT_STEP_MS = 500
const CONNECT_MS = 10_000

/** Errors: ToolFailed 69. */
async function demand(asked: Promise<Health>, otherwise: (reason: string) => string): Promise<void> {
  const { status, reason } = await asked
  if (status !== 'ok') throw new ToolFailed('unavailable', otherwise(reason ?? status))
}

async function listeners({ broker }: ToolCall): Promise<readonly Listener[]> {
  const { listeners } = await broker.get<Overview>('/overview')
  if (listeners !== undefined) return listeners
  throw new ToolFailed('unavailable',
    `Error:\nuser '${broker.user}' may not see listeners: it needs the tag monitoring`)
}

async function ping({ broker, node }: ToolCall): Promise<string> {
  try {
    await broker.get('/version')
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    throw new ToolFailed('unavailable',
      `Error:\nFailed to connect and authenticate to ${node}: ${error.message}`)
  }
  return 'Ping succeeded'
}

async function awaitStartup(call: ToolCall): Promise<null> {
  const seconds = Number(call.switches.get('timeout') ?? AWAIT_SECONDS)
  for (let waitedMs = 0; ; waitedMs += AWAIT_STEP_MS) {
    if (await isRunning(call)) return null
    if (waitedMs >= seconds * 1000) {
      throw new ToolFailed('temporary', `Error:\n${call.node} has not started within ${seconds} seconds`)
    }
    await call.surroundings.sleep(AWAIT_STEP_MS)
  }
}

async function isRunning({ broker }: ToolCall): Promise<boolean> {
  try {
    return (await broker.get<Health>('/health/checks/ready-to-serve-clients')).status === 'ok'
  } catch (error) {
    if (error instanceof CommandFailed) return false
    throw error
  }
}

async function checkPorts(call: ToolCall): Promise<string> {
  const all = await listeners(call)
  const { hostname } = new URL(call.broker.url)
  for (const { port } of all) {
    const socket = connect({ host: hostname, port })
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new ToolFailed('unavailable', `Error:\nConnection to port ${port} of ${call.node} failed: ${why}`)
    } finally {
      socket.destroy()
    }
  }
  const ports = all.map(({ port }) => port).toSorted((a, b) => a - b).join(', ')
  return `Successfully connected to ports ${ports} on node ${call.node} (using node hostname resolution)`
}

async function status(call: ToolCall): Promise<string> {
  const [overview, alarms] = await Promise.all([
    call.broker.get<Overview>('/overview'), call.broker.get<Health>('/health/checks/alarms'),
  ])
  const { object_totals: totals, listeners: open = [] } = overview
  if (call.switches.get('formatter') === 'json') {
    return JSON.stringify({
      rabbitmq_version: overview.rabbitmq_version, product_name: overview.product_name,
      product_version: overview.product_version, alarms: alarms.status === 'ok' ? [] : [alarms.reason],
      listeners: open.map(({ protocol, ip_address, port }) =>
        ({ node: call.node, protocol, interface: ip_address, port })),
      totals: { connection_count: totals['connections'], queue_count: totals['queues'] },
    })
  }
  return [
    'Runtime', '', `${overview.product_name} version: ${overview.product_version}`,
    `RabbitMQ version: ${overview.rabbitmq_version}`, `Node name: ${call.node}`, '',
    'Alarms', '', alarms.status === 'ok' ? '(none)' : alarms.reason, '',
    'Totals', '', `Connection count: ${totals['connections']}`, `Queue count: ${totals['queues']}`, '',
    'Listeners', '', ...open.map(listenerText),
  ].join('\n')
}

function listenerText({ protocol, ip_address, port }: Listener): string {
  return `Interface: ${ip_address}, port: ${port}, protocol: ${protocol}`
}

async function authenticate({ broker, words: [name = '', password = ''] }: ToolCall): Promise<string> {
  try {
    await new BrokerClient(broker.url, name, password).get('/whoami')
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    // Who has no tag may log in, though not look at anything.
    if (error.reason !== 'Not management user') {
      throw new ToolFailed('dataError', `Error:\nError: failed to authenticate user "${name}"\n`
        + `user '${name}' - invalid credentials`)
    }
  }
  return 'Success'
}

const alarmCheck = (name: string, path: string, what: string, fine: string): ToolCommand => ({
  name, usage: '', words: [0, 0],
  banner: ({ node }) => `Asking node ${node} to report any ${what} ...`,
  async run({ broker, node }) {
    await demand(broker.get(`/health/checks/${path}`), (reason) =>
      `Error:\nNode ${node} reported alarms: ${reason}`)
    return `Node ${node} reported ${fine}`
  },
})

const running: readonly ToolCommand[] = [
  {
    name: 'ping', usage: '[--timeout <timeout>]', words: [0, 0], run: ping,
    banner: ({ node }) => `Will ping ${node}. This only checks if the OS process is running and answers.`,
  },
  { name: 'await_startup', usage: '[--timeout <timeout>]', words: [0, 0], run: awaitStartup },
  {
    name: 'check_running', usage: '', words: [0, 0],
    banner: ({ node }) => `Checking if RabbitMQ is running on node ${node} ...`,
    async run({ broker, node }) {
      await demand(broker.get('/health/checks/ready-to-serve-clients'), () =>
        `Error:\nRabbitMQ on node ${node} is not running or has not fully booted yet (check with is_booting)`)
      return `RabbitMQ on node ${node} is fully booted and running`
    },
  },
  {
    name: 'check_virtual_hosts', usage: '[--timeout <timeout>]', words: [0, 0],
    banner: ({ node }) => `Checking if all vhosts are running on node ${node} ...`,
    async run({ broker, node }) {
      await demand(broker.get('/health/checks/virtual-hosts'), (reason) => `Error:\n${reason}`)
      return `Node ${node} reported all vhosts as running`
    },
  },
  alarmCheck('check_local_alarms', 'local-alarms', 'local resource alarms', 'no local alarms'),
  alarmCheck('check_alarms', 'alarms', 'local resource alarms', 'no alarms, local or clusterwide'),
  alarmCheck('alarms', 'alarms', 'known resource alarms', 'no alarms, local or clusterwide'),
]

const ports: readonly ToolCommand[] = [
  {
    name: 'check_port_connectivity', usage: '[--timeout <timeout>]', words: [0, 0], run: checkPorts,
    banner: ({ node }) => `Testing TCP connections to all active listeners on node ${node} using hostname `
      + 'resolution ...',
  },
  {
    name: 'check_port_listener', usage: '<port>', words: [1, 1],
    banner: ({ node, words: [port] }) =>
      `Asking node ${node} if there's an active listener on port ${port} ...`,
    async run(call) {
      const [port = ''] = call.words
      const all = await listeners(call)
      if (all.some((each) => String(each.port) === port)) {
        return `A listener for port ${port} is running on node ${call.node}.`
      }
      throw new ToolFailed('unavailable',
        `No listener for port ${port} is active on node ${call.node}. Found `
        + `listeners that use the following ports: ${all.map((each) => each.port).join(', ')}`)
    },
  },
  {
    name: 'check_protocol_listener', usage: '<protocol>', words: [1, 1],
    banner: ({ node, words: [name] }) =>
      `Asking node ${node} if there's an active listener for protocol ${name} ...`,
    async run({ broker, node, words: [name = ''] }) {
      await demand(broker.get(`/health/checks/protocol-listener${pathOf(name)}`), () =>
        `Error:\nNo listener for protocol ${name} is active on node ${node}.`)
      return `A listener for protocol ${name} is running on node ${node}.`
    },
  },
  {
    name: 'listeners', usage: '', words: [0, 0],
    banner: ({ node }) => `Asking node ${node} to report its protocol listeners ...`,
    run: async (call) => (await listeners(call)).map(listenerText).join('\n'),
  },
]

export const checkCommands: readonly ToolCommand[] = [
  ...running, ...ports,
  { name: 'status', usage: '', words: [0, 0], run: status, banner: ({ node }) =>
    `Status of node ${node} ...` },
  {
    name: 'server_version', usage: '', words: [0, 0],
    banner: ({ node }) => `Asking node ${node} for its RabbitMQ version...`,
    run: ({ broker }) => broker.get<string>('/version'),
  },
  {
    // RabbitMQ tells the version of the tool itself, which is the server's.
    name: 'version', usage: '', words: [0, 0], run: ({ broker }) => broker.get<string>('/version'),
  },
  {
    name: 'authenticate_user', usage: '<username> [<password>]', words: [2, 2], run: authenticate,
    banner: ({ words: [name] }) => `Authenticating user "${name}" ...`,
  },
]
