// What stdout shows once the broker is up: where to connect, where the data is, who may log in. The last line
// is the one that Testcontainers' RabbitMQ modules wait for, so its first three words must stay.

import { resolve } from 'node:path'
import type { Settings } from '../broker/config.ts'
import type { RunningServer } from './surroundings.ts'

/** Listening on these is listening everywhere; nobody can connect to them by that name on every system. */
const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' }

export function startUpBlock(settings: Settings, server: RunningServer, sinceStartMs: number): string {
  const fromHere = settings.loopbackUsers.includes(settings.defaultUser) ? ', from this machine only' : ''
  const data = settings.store === 'memory' ? 'in memory: gone when this ends' : resolve(server.dataDirectory)
  return [
    `${settings.product} ${settings.productVersion}`,
    `  AMQP  ${connectable(server.amqpUrl)}`,
    ...server.amqpsUrl === null ? [] : [`  AMQPS ${connectable(server.amqpsUrl)}`],
    `  HTTP  ${connectable(server.httpUrl)}`,
    `  Data  ${data}`,
    `  User  ${settings.defaultUser}${fromHere}`,
    `Server startup complete in ${Math.round(sinceStartMs)} ms`,
    '',
  ].join('\n')
}

function connectable(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  const local = everywhere[hostname]
  return local === undefined
    ? `${protocol}//${hostname}:${port}`
    : `${protocol}//${local}:${port}  (all interfaces)`
}
