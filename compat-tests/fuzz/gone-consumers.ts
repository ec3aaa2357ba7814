// Knows the consumers that RabbitMQ keeps though their channel is gone (ledger `single-active-gone`), from
// which anything may follow: what is stranded, what is not dropped, who is next. Called by verdict.ts for
// programs that differ. Invariant: RabbitMQ itself is asked. It is played what came before the difference,
// and when every connection of the program is closed its queue must say that it has a consumer.

import type { Field } from '../harness/wire.ts'
import { decodeMethod, frameType } from '../harness/wire.ts'
import type { Transcript } from './play.ts'
import type { Program, Step } from './program.ts'

/** Until a quorum queue has noticed that channels are gone. */
const noticedMs = 700

export async function isGoneConsumerKept(
  program: Program, stepCount: number, perform: (program: Program) => Promise<Transcript>,
): Promise<boolean> {
  const steps = program.steps.slice(0, stepCount)
  const queues = new Set(steps.flatMap(singleActiveQuorumQueue))
  if (queues.size === 0) return false
  const connections = new Set(steps.flatMap((step) => ('on' in step ? [step.on.split('.')[0]!] : [])))
  const asked = [...queues].map((queue): Step =>
    ({ on: '0.1', do: 'queue.declare', args: { queue, passive: true } }))
  const transcript = await perform({
    ...program,
    steps: [
      ...steps,
      ...[...connections].map((connection): Step =>
        ({ on: `${connection}.1`, do: 'connection.close', args: { 'reply-code': 200 } })),
      { elapseMs: noticedMs },
      ...asked,
    ],
  })
  return transcript.slice(-asked.length).some(saysConsumers)
}

function singleActiveQuorumQueue(step: Step): string[] {
  if (!('do' in step) || step.do !== 'queue.declare') return []
  const args = new Map(((step.args?.['arguments'] ?? []) as Field[]).map(([name, , value]) => [name, value]))
  const isOne = args.get('x-queue-type') === 'quorum' && args.get('x-single-active-consumer') === true
  return isOne ? [step.args?.['queue'] as string] : []
}

function saysConsumers(hearing: Transcript[number]): boolean {
  return (hearing.get('0.1') ?? []).some(({ kind, payload }) => {
    if (kind !== frameType.method) return false
    const { name, args } = decodeMethod(payload)
    return name === 'queue.declare-ok' && (args['consumer-count'] as number) > 0
  })
}
