// Lets a test file (in a worker) restart a broker that the global setup (in the main process) started, or
// set its alarms. One loopback HTTP server with two requests: POST /restart?label=RabbitMQ&signal=SIGTERM and
// POST /alarms?label=RabbitMQ&memory=true&disk=false.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AlarmsOn, BrokerProcess, RestartSignal } from './broker-process.ts'
import type { Target } from './target.ts'

export interface Control {
  url: string
  close(): Promise<void>
}

/** What is asked of a broker; null when this one cannot. */
function orderOf(path: string, query: URLSearchParams, broker: BrokerProcess): Promise<void> | null {
  if (path === '/restart') return broker.restart?.(query.get('signal') as RestartSignal) ?? null
  const [memory, disk] = [query.get('memory') === 'true', query.get('disk') === 'true']
  return broker.setAlarms?.({ memory, disk }) ?? null
}

export async function startControl(brokers: ReadonlyMap<string, BrokerProcess>): Promise<Control> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control')
    const broker = brokers.get(searchParams.get('label') ?? '')
    const order = broker === undefined ? null : orderOf(pathname, searchParams, broker)
    if (order === null) {
      response.writeHead(404).end(`no broker '${searchParams.get('label')}' that can do ${pathname}`)
      return
    }
    order.then(
      () => response.end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
    }),
  }
}

export function restartBroker(target: Target, signal: RestartSignal): Promise<void> {
  return order(target, 'restart', { signal })
}

/** Resolves when the broker has been told; its connections may hear of it a second later. */
export function setAlarms(target: Target, { memory, disk }: AlarmsOn): Promise<void> {
  return order(target, 'alarms', { memory: `${memory}`, disk: `${disk}` })
}

async function order(target: Target, path: string, fields: Record<string, string>): Promise<void> {
  const query = new URLSearchParams({ label: target.label, ...fields })
  const response = await fetch(`${target.controlUrl}/${path}?${query}`, { method: 'POST' })
  if (!response.ok) throw new Error(`${path} of ${target.label} failed: ${await response.text()}`)
}
