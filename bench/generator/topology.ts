// The queues, exchanges and bindings of a job: declared before, removed after, and asked how full they are.
// Called by every job that needs any. Invariant: runs on a connection of its own, which no streaming ever
// touches.
import { methods } from '../../compat-tests/harness/amqp-methods.ts'
import type { MethodName } from '../../compat-tests/harness/amqp-methods.ts'
import { methodFrame } from './connection.ts'
import type { GeneratorConnection } from './connection.ts'
import type { MethodCall } from './job.ts'

const CALLS_PER_WRITE = 500
/** Of these there may be many. */
const QUIET: readonly MethodName[] = ['queue.declare', 'queue.bind', 'queue.delete']

/** Calls one after the other; runs of one kind are sent with no-wait, and the last of each write answers. */
export async function callAll(connection: GeneratorConnection, calls: readonly MethodCall[]): Promise<void> {
  for (let at = 0; at < calls.length;) {
    const run = runFrom(calls, at)
    const quiet = run.slice(0, -1).map(([name, args]) => methodFrame(name, { ...args, nowait: true }))
    const [name, args] = run.at(-1)!
    if (quiet.length > 0) connection.socket.write(Buffer.concat(quiet))
    await connection.call(name, args, answerTo(name))
    at += run.length
  }
}

export async function readyIn(connection: GeneratorConnection, queues: readonly string[]): Promise<number> {
  let ready = 0
  for (const queue of queues) {
    const payload = await connection.call('queue.declare', { queue, passive: true }, 'queue.declare-ok')
    ready += payload.readUInt32BE(5 + payload[4]!)
  }
  return ready
}

function runFrom(calls: readonly MethodCall[], from: number): readonly MethodCall[] {
  const [name] = calls[from]!
  let end = from + 1
  if (QUIET.includes(name)) while (calls[end]?.[0] === name && end - from < CALLS_PER_WRITE) end++
  return calls.slice(from, end)
}

function answerTo(name: MethodName): MethodName {
  const answer = `${name}-ok`
  if (!(answer in methods)) throw new Error(`${name} has no answer to wait for`)
  return answer as MethodName
}
