// Things made and unmade, one after the other, as fast as the broker answers. Called by generator/main.ts.
// Invariant: one thing at a time, so that the rate is the inverse of what a client waits for.
import { GeneratorConnection, methodFrame, methodId } from './connection.ts'
import type { Answer, ChurnJob, Where } from './job.ts'
import { Window } from './window.ts'

const CHURN_CHANNEL = 2

/** Makes and unmakes one thing. */
type Operation = () => Promise<void>

export async function runChurn(job: ChurnJob, where: Where): Promise<Answer> {
  const control = await GeneratorConnection.open(where.url)
  const queue = `bench-churn-${process.pid}`
  await control.call('queue.declare', { queue, durable: true }, 'queue.declare-ok')
  const operation = operations(control, queue, where)[job.of]
  await repeat(operation, job.warmUpMs)
  const look = new Window(where.pids)
  const done = await repeat(operation, job.measureMs)
  const answer = look.end({ operations: done })
  await control.call('queue.delete', { queue }, 'queue.delete-ok')
  await control.close()
  return answer
}

async function repeat(operation: Operation, milliseconds: number): Promise<number> {
  const until = performance.now() + milliseconds
  let done = 0
  while (performance.now() < until) {
    await operation()
    done++
  }
  return done
}

function operations(
  control: GeneratorConnection, queue: string, where: Where,
): Record<ChurnJob['of'], Operation> {
  const pair = (make: Buffer, made: number, unmake: Buffer, unmade: number): Operation => async () => {
    await control.send(make, made)
    await control.send(unmake, unmade)
  }
  const binding = { queue, 'exchange': 'amq.topic', 'routing-key': 'churn.*' }
  const declare = { queue: `${queue}-one`, durable: true }
  return {
    connection: async () => {
      const connection = await GeneratorConnection.open(where.url, 4096)
      await connection.close()
    },
    channel: pair(
      methodFrame('channel.open', {}, CHURN_CHANNEL), methodId('channel.open-ok'),
      methodFrame('channel.close', { 'reply-code': 200 }, CHURN_CHANNEL), methodId('channel.close-ok')),
    queue: pair(
      methodFrame('queue.declare', declare), methodId('queue.declare-ok'),
      methodFrame('queue.delete', { queue: declare.queue }), methodId('queue.delete-ok')),
    binding: pair(
      methodFrame('queue.bind', binding), methodId('queue.bind-ok'),
      methodFrame('queue.unbind', binding), methodId('queue.unbind-ok')),
  }
}
