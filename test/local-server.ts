// A server in this process, on free ports of this machine and in memory unless it is said otherwise. Used by
// the tests that need real sockets. Invariant: it logs nothing.
import { resolveSettings } from '../broker/config-sources.ts'
import type { Logger } from '../runtime/log.ts'
import { startServer } from '../runtime/server.ts'
import type { RunningServer } from '../runtime/server.ts'

const silent: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} }
const here = { host: '127.0.0.1', amqpPort: 0, httpPort: 0, store: 'memory', ballast: 0 } as const

export function startLocalServer(
  settings: Partial<Parameters<typeof startServer>[0]> = {},
): Promise<RunningServer> {
  const resolved = resolveSettings({ argv: [], env: {}, fileText: null, fileName: null, packageVersion: '0' })
  if (!resolved.ok) throw new Error(resolved.problems.join())
  return startServer({ ...resolved.settings, ...here, ...settings }, silent)
}
