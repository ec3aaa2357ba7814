// Ports for brokers that cannot be told to choose one themselves. Called by rabbit-node.ts. Invariant: the
// ports of one call differ from each other; another process may still take one before it is used, which shows
// as a failed start.

import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

async function listen(): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
