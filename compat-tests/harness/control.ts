// Lets a test file (in a worker) restart a broker that the global setup (in the main process) started.
// One loopback HTTP server; its only request is POST /?label=RabbitMQ&signal=SIGTERM.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrokerProcess, RestartSignal } from './broker-process.ts'
import type { Target } from './target.ts'

export interface Control {
  url: string
  close(): Promise<void>
}

export async function startControl(brokers: ReadonlyMap<string, BrokerProcess>): Promise<Control> {
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://control').searchParams
    const restart = brokers.get(query.get('label') ?? '')?.restart
    if (restart === undefined || restart === null) {
      response.writeHead(404).end(`no broker '${query.get('label')}' that can be restarted`)
      return
    }
    restart(query.get('signal') as RestartSignal).then(
      () => response.end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
    }),
  }
}

export async function restartBroker(target: Target, signal: RestartSignal): Promise<void> {
  const query = new URLSearchParams({ label: target.label, signal })
  const response = await fetch(`${target.controlUrl}?${query}`, { method: 'POST' })
  if (!response.ok) throw new Error(`restart of ${target.label} failed: ${await response.text()}`)
}
