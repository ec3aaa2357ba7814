// The brokers of a run: Leveret as users start it, and the reference, given by --vs or found as compat-tests
// finds it. Called by main.ts. Invariant: both run on this machine, or there is no processor time and no
// memory to read.
import type { BrokerProcess } from '../compat-tests/harness/broker-process.ts'
import { findReference } from '../compat-tests/harness/find-reference.ts'
import { LeveretProcess } from '../compat-tests/harness/leveret-process.ts'
import { processTreeOnPort } from './usage.ts'
import type { Target } from './workload.ts'

export interface RunningBroker extends Target {
  stop(): Promise<void>
}

export async function startLeveret(): Promise<RunningBroker> {
  return describe('Leveret', await LeveretProcess.start(), false)
}

export async function startReference(
  vs: string | undefined, say: (line: string) => void,
): Promise<RunningBroker> {
  if (vs !== undefined) {
    const { hostname } = new URL(vs)
    if (hostname !== '127.0.0.1' && hostname !== 'localhost') {
      throw new Error(`--vs ${hostname}: a broker is measured on this machine only (127.0.0.1)`)
    }
    process.env['RABBITMQ_URL'] = vs
  }
  return describe('RabbitMQ', await findReference(say, 'bare'), true)
}

function describe(product: string, broker: BrokerProcess, isReference: boolean): RunningBroker {
  const { port } = new URL(broker.url)
  return {
    name: `${product} ${broker.version}`, url: broker.url, httpUrl: broker.httpUrl, isReference,
    restart: broker.restart,
    pids: () => processTreeOnPort(Number(port === '' ? 5672 : port)),
    stop: () => broker.stop(),
  }
}
