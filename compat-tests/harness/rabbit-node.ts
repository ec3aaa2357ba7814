// A RabbitMQ node of the suite's own: from a root folder (by chroot) or from the machine's own installation.
// Called by find-reference.ts. It touches nothing outside its work folder: own node name, ports, epmd,
// cookie, data. Invariant: the node ends with the suite, crashed or not: its supervisor stops it when stdin
// closes.

import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { AlarmsOn, BrokerProcess, RestartSignal, Tools } from './broker-process.ts'
import { freePorts } from './free-port.ts'
import { until, within } from './poll.ts'
import { serverVersion } from './server-version.ts'

const run = promisify(execFile)
const startBoundMs = 90_000
const stopBoundMs = 30_000

/**
 * Where RabbitMQ lies: a root folder to chroot into, or null for the machine itself, and the server script
 * there.
 */
export interface RabbitInstallation {
  root: string | null
  server: string
}

// Run by sh in a process group of its own. `read` returns when the suite says "keep" or "remove", or when the
// suite is gone and the pipe with it. epmd runs in the foreground of this group: started by erl it would
// outlive the node.
const supervisor = `
cd "$WORK" || exit 1
epmd -port "$ERL_EPMD_PORT" & epmd=$!
"$SERVER" & server=$!
read -r order
kill -TERM $server
wait $server
kill $epmd
[ "$order" = keep ] || rm -rf "$WORK"
`

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

// Upstream 4.3 denies transient shared queues unless told otherwise; Debian's build permits them. 3.x has no
// such key. Memory is not read from /proc, which a root folder does not have. Statistics come often, so that
// a test need not wait for them.
const configOf4 = 'deprecated_features.permit.transient_nonexcl_queues = true\n'
const bareConfig = 'vm_memory_calculation_strategy = allocated\n'
const testedConfig = (httpPort: string, prometheusPort: string): string => `\
${bareConfig}\
collect_statistics_interval = 500
management.tcp.ip = 127.0.0.1
management.tcp.port = ${httpPort}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = ${prometheusPort}
`

/** With what the tests look at; or bare, as it comes: statistics and plugins cost half of its speed. */
export type ReferenceSetup = 'tested' | 'bare'

/** The management API, and exchange types that have to be switched on: exchange-types.test.ts. */
export const testedPlugins = '[rabbitmq_management,rabbitmq_prometheus,rabbitmq_consistent_hash_exchange,'
  + 'rabbitmq_random_exchange,rabbitmq_recent_history_exchange].\n'

/** In Erlang. */
function alarmSet(resource: string, isOn: boolean): string {
  return isOn
    ? `rabbit_alarm:set_alarm({{resource_limit, ${resource}, node()}, []})`
    : `rabbit_alarm:clear_alarm({resource_limit, ${resource}, node()})`
}

export class RabbitNode implements BrokerProcess {
  readonly url: string
  readonly httpUrl: string
  version = ''
  private readonly installation: RabbitInstallation
  private readonly workFolder: string
  private readonly env: Record<string, string>
  private child: ChildProcess | null = null
  private log = ''

  private constructor(installation: RabbitInstallation, workFolder: string, ports: readonly number[]) {
    const [amqpPort, distPort, epmdPort, httpPort] = ports.map(String) as [string, string, string, string]
    const work = installation.root === null ? workFolder : workFolder.slice(installation.root.length)
    this.installation = installation
    this.workFolder = workFolder
    this.url = `amqp://guest:guest@127.0.0.1:${amqpPort}`
    this.httpUrl = `http://127.0.0.1:${httpPort}`
    this.env = {
      PATH: installation.root === null ? `${process.env['PATH'] ?? ''}:${path}` : path,
      LANG: 'C.UTF-8', HOME: work, WORK: work, SERVER: installation.server,
      ERL_EPMD_PORT: epmdPort, ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `${basename(work)}@localhost`, RABBITMQ_DIST_PORT: distPort,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1', RABBITMQ_NODE_PORT: amqpPort,
      RABBITMQ_MNESIA_BASE: `${work}/data`, RABBITMQ_LOG_BASE: `${work}/log`, RABBITMQ_LOGS: '-',
      RABBITMQ_CONFIG_FILE: `${work}/rabbitmq.conf`, RABBITMQ_ENABLED_PLUGINS_FILE: `${work}/enabled_plugins`,
    }
  }

  static async start(
    installation: RabbitInstallation, isRabbit3: boolean, setup: ReferenceSetup,
  ): Promise<RabbitNode> {
    const parent = installation.root === null ? tmpdir() : join(installation.root, 'tmp')
    const work = await mkdtemp(join(parent, 'leveret-compat-'))
    const ports = await freePorts(5)
    const common = setup === 'bare' ? bareConfig : testedConfig(String(ports[3]), String(ports[4]))
    await writeFile(join(work, 'rabbitmq.conf'), isRabbit3 ? common : common + configOf4)
    await writeFile(join(work, 'enabled_plugins'), setup === 'bare' ? '[].\n' : testedPlugins)
    const node = new RabbitNode(installation, work, ports)
    try {
      await node.boot()
    } catch (error) {
      await rm(work, { recursive: true, force: true })
      throw error
    }
    return node
  }

  readonly restart = async (signal: RestartSignal): Promise<void> => {
    if (signal === 'SIGKILL') await this.crash()
    else await this.end('keep')
    await this.boot()
  }

  /** Said to the alarm handler: a root folder has no /proc for a watermark to be compared with. */
  readonly setAlarms = async ({ memory, disk }: AlarmsOn): Promise<void> => {
    // The last one waits for the other two.
    const orders = [alarmSet('memory', memory), alarmSet('disk', disk), 'rabbit_alarm:get_alarms()']
    await this.evaluate(`${orders.join(', ')}.`)
  }

  get tools(): Tools {
    const { root, server } = this.installation
    return { prefix: this.inRoot(), folder: `${dirname(server)}/`, root }
  }

  async stop(): Promise<void> {
    await this.end('remove')
    await rm(this.workFolder, { recursive: true, force: true })
  }

  /** By erl_call, which comes with Erlang: rabbitmqctl takes seconds to start, on a busy machine a minute. */
  private async evaluate(expression: string): Promise<void> {
    const cookie = await readFile(join(this.workFolder, '.erlang.cookie'), 'latin1')
    const call = ['erl_call', '-n', this.env['RABBITMQ_NODENAME']!, '-c', cookie.trim(), '-e']
    const [command, ...args] = [...this.inRoot(), ...call]
    const calling = run(command!, args, { timeout: stopBoundMs })
    calling.child.stdin?.end(`${expression}\n`)
    const { stdout } = await calling
    if (!stdout.startsWith('{ok')) throw new Error(`RabbitMQ answered ${stdout} to ${expression}`)
  }

  /** What runs a command where the node runs. */
  private inRoot(): string[] {
    const { root } = this.installation
    const env = Object.entries(this.env).map(([name, value]) => `${name}=${value}`)
    return [...root === null ? [] : ['chroot', root], '/usr/bin/env', '-i', ...env]
  }

  private async boot(): Promise<void> {
    const argv = [...this.inRoot(), 'sh', '-c', supervisor]
    this.log = ''
    const child = spawn(argv[0]!, argv.slice(1), { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    this.child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.log = (this.log + chunk.toString()).slice(-20_000)
      })
    }
    try {
      this.version = await until('RabbitMQ answers', () => this.probe(), startBoundMs)
    } catch (cause) {
      this.killGroup()
      throw new Error(`RabbitMQ did not start; the end of its log:\n${this.log.slice(-3_000)}`, { cause })
    }
  }

  private async probe(): Promise<string | null> {
    if (this.log.includes('BOOT FAILED') || this.child?.exitCode !== null) {
      throw new Error('RabbitMQ gave up while it started')
    }
    if (!this.log.includes('Server startup complete')) return null
    return serverVersion(this.url)
  }

  private async crash(): Promise<void> {
    if (this.child === null) throw new Error('RabbitMQ is not running, so it cannot crash')
    const exited = once(this.child, 'exit')
    this.killGroup()
    await within('RabbitMQ is gone', exited, stopBoundMs)
  }

  private async end(order: 'keep' | 'remove'): Promise<void> {
    const child = this.child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.stdin?.end(`${order}\n`)
    try {
      await within('RabbitMQ stops', once(child, 'exit'), stopBoundMs)
    } finally {
      this.killGroup()
    }
  }

  private killGroup(): void {
    const pid = this.child?.pid
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch (error) {
      // the group is gone already: as wanted
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
