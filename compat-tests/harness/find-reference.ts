// Finds or starts the RabbitMQ to compare with: RABBITMQ_URL, Docker, the suite's root folder, PATH, the
// distribution; with LEVERET_REFERENCE=older the second reference, RabbitMQ 3.10, which never decides. Called
// once by global-setup.ts. Invariant: a current RabbitMQ goes before an old one, and each way says in the
// run's output why it was not taken; when none is left, the error names what a person can provide.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { BrokerProcess } from './broker-process.ts'
import { testedPlugins, RabbitNode } from './rabbit-node.ts'
import type { RabbitInstallation, ReferenceSetup } from './rabbit-node.ts'
import { serverVersion } from './server-version.ts'

const run = promisify(execFile)
const makeRoot = resolve(import.meta.dirname, '../debian/make-root.sh')
const debianServer = '/usr/lib/rabbitmq/bin/rabbitmq-server'
const image = 'rabbitmq:4-management'
const tenMinutesMs = 600_000

/** The roots that make-root.sh makes, by LEVERET_REFERENCE: what it calls them, and their folders. */
const roots = {
  current: { kind: 'rabbitmq', folder: 'rabbitmq-sid' },
  older: { kind: 'rabbitmq-older', folder: 'rabbitmq-bookworm' },
} as const
type Reference = keyof typeof roots

const isRabbit3 = (version: string): boolean => version.startsWith('3.')

type Say = (line: string) => void
type Way = (say: Say, setup: ReferenceSetup) => Promise<BrokerProcess | null>

const noReference = `no RabbitMQ to compare with. Provide one of:
  - RABBITMQ_URL=amqp://user:password@host:port of a running broker (vhost /)
  - a Docker engine; the suite then runs ${image}
  - rabbitmq-server on the PATH, or Debian/Ubuntu as root, where the suite makes its own
or leave the reference out with LEVERET_COMPAT=leveret-only`

const noOlderReference = `no RabbitMQ 3.10 to compare with. Provide one of:
  - RABBITMQ_URL=amqp://user:password@host:port of a running one (vhost /)
  - rabbitmq-server 3.10 on the PATH, or Debian/Ubuntu as root, where the suite makes its own`

function wantedReference(): Reference {
  const wanted = process.env['LEVERET_REFERENCE'] ?? 'current'
  if (wanted === 'current' || wanted === 'older') return wanted
  throw new Error(`LEVERET_REFERENCE is '${wanted}', expected one of ${Object.keys(roots).join(', ')}`)
}

/** What failed, in one line. */
function reason(error: unknown): string {
  return String((error as { stderr?: string }).stderr?.trim() || error).split('\n').at(-1) ?? ''
}

async function isDebian(): Promise<boolean> {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(await readFile('/etc/os-release', 'utf8'))
}

/** It is not ours to stop. */
const nothing = (): Promise<void> => Promise.resolve()

const fromUrl: Way = async () => {
  const url = process.env['RABBITMQ_URL']
  if (url === undefined || url === '') return null
  const httpUrl = process.env['RABBITMQ_HTTP_URL'] ?? null
  const version = await serverVersion(url)
  return { url, httpUrl, version, restart: null, setAlarms: null, tools: null, stop: nothing }
}

// Not exercised where this was written: that machine has a Docker client but no engine.
const fromDocker: Way = async (say, setup) => {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: 5_000 })
  } catch (error) {
    say(`no Docker engine: ${reason(error)}`)
    return null
  }
  const { GenericContainer, Wait } = await import('testcontainers')
  const container = await new GenericContainer(image)
    .withExposedPorts(5672, 15672)
    .withCopyContentToContainer([{
      content: 'deprecated_features.permit.transient_nonexcl_queues = true\nloopback_users.guest = false\n',
      target: '/etc/rabbitmq/conf.d/90-leveret.conf',
    }, { content: setup === 'bare' ? '[].\n' : testedPlugins, target: '/etc/rabbitmq/enabled_plugins' }])
    .withWaitStrategy(Wait.forLogMessage(/Server startup complete/))
    .start()
  const url = `amqp://guest:guest@${container.getHost()}:${container.getMappedPort(5672)}`
  const httpUrl = `http://${container.getHost()}:${container.getMappedPort(15672)}`
  return {
    url, httpUrl, version: await serverVersion(url), restart: null, setAlarms: null, tools: null,
    stop: async () => {
      await container.stop()
    },
  }
}

function rootFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return process.env['LEVERET_RABBITMQ_ROOT'] ?? join(cache, 'leveret', roots[wantedReference()].folder)
}

const fromRootFolder: Way = async (say, setup) => {
  const root = rootFolder()
  if (process.getuid?.() !== 0 || !await isDebian()) {
    say('no root folder: that needs root on Debian or Ubuntu')
    return null
  }
  if (!existsSync(join(root, debianServer))) {
    say(`making ${root} (about a minute, once)`)
    try {
      const { kind } = roots[wantedReference()]
      await run(makeRoot, [kind, root], { timeout: tenMinutesMs, maxBuffer: 64 << 20 })
    } catch (error) {
      say(`no root folder: ${reason(error)}`)
      return null
    }
  }
  const { stdout } = await run('chroot', [root, 'dpkg-query', '-W', '-f', '${Version}', 'rabbitmq-server'])
  return RabbitNode.start({ root, server: debianServer }, isRabbit3(stdout), setup)
}

/**
 * The machine's own RabbitMQ. Debian's wrapper on the PATH changes user and folder, so the script behind it
 * is run.
 */
async function findInstalled(): Promise<(RabbitInstallation & { version: string }) | null> {
  try {
    await run('sh', ['-c', 'PATH="$PATH:/usr/sbin" command -v rabbitmq-server'])
  } catch {
    return null // the shell found none
  }
  const server = existsSync(debianServer) ? debianServer : 'rabbitmq-server'
  const { stdout } = await run('sh', ['-c', 'PATH="$PATH:/usr/sbin" exec rabbitmqctl version'],
    { timeout: 60_000 })
  return { root: null, server, version: stdout.trim().split('\n').at(-1) ?? '' }
}

function fromPath(isWanted: (version: string) => boolean): Way {
  return async (say, setup) => {
    const installed = await findInstalled()
    if (installed === null || !isWanted(installed.version)) {
      say(`not taken from the PATH: ${installed === null ? 'no rabbitmq-server there' : installed.version}`)
      return null
    }
    return RabbitNode.start(installed, isRabbit3(installed.version), setup)
  }
}

const fromDistribution: Way = async (say, setup) => {
  if (process.getuid?.() !== 0 || !await isDebian()) return null
  say('installing the distribution\'s rabbitmq-server')
  const options = { timeout: tenMinutesMs, maxBuffer: 64 << 20 }
  try {
    await run('apt-get', ['update'], options)
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'rabbitmq-server'], options)
  } catch (error) {
    say(`not installed: ${reason(error)}`)
    return null
  }
  return fromPath(() => true)(say, setup)
}

const ways: Record<Reference, readonly Way[]> = {
  current: [
    fromUrl,
    fromDocker,
    fromPath((version) => !isRabbit3(version)),
    fromRootFolder,
    fromPath(isRabbit3),
    fromDistribution,
  ],
  older: [fromUrl, fromPath(isRabbit3), fromRootFolder],
}

export async function findReference(say: Say, setup: ReferenceSetup = 'tested'): Promise<BrokerProcess> {
  const reference = wantedReference()
  for (const way of ways[reference]) {
    const broker = await way(say, setup)
    if (broker === null) continue
    if (reference === 'current' || isRabbit3(broker.version)) return broker
    await broker.stop()
    throw new Error(`LEVERET_REFERENCE=older expects a RabbitMQ 3.x, but found ${broker.version}`)
  }
  throw new Error(reference === 'older' ? noOlderReference : noReference)
}
