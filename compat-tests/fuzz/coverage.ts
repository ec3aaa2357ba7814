// What a run reached: methods sent and heard, error codes, states of queues. Called by run.ts, printed at the
// end. Invariant: counted from what RabbitMQ did, so that a mistake of ours cannot look like coverage.

import { decodeMethod, frameType } from '../harness/wire.ts'
import type { Field } from '../harness/wire.ts'
import type { Program } from './program.ts'
import type { Played } from './transcript.ts'

const bucket = (count: number): string => (count > 2 ? 'many' : String(count))

export class Coverage {
  private readonly sent = new Set<string>()
  private readonly heard = new Set<string>()
  private readonly errors = new Set<string>()
  private readonly texts = new Set<string>()
  private readonly states = new Set<string>()
  private steps = 0
  private frames = 0

  add(program: Program, { transcript, prefix }: Played): void {
    const kinds = new Map<string, string>()
    for (const [at, step] of program.steps.entries()) {
      this.steps++
      if ('do' in step) {
        this.sent.add(step.do)
        const isDeclare = step.do === 'queue.declare' && step.args?.['passive'] !== true
        if (isDeclare) kinds.set(...queueKind(step.args ?? {}))
      }
      for (const entries of transcript[at]!.values()) {
        this.frames += entries.length
        for (const { kind, payload } of entries) {
          if (kind === frameType.method) this.note(decodeMethod(payload), prefix, kinds)
        }
      }
    }
  }

  summary(): string {
    return `${this.steps} steps, ${this.frames} frames heard; reached ${this.sent.size} methods sent, `
      + `${this.heard.size} heard, ${this.errors.size} error codes, ${this.texts.size} error texts, `
      + `${this.states.size} queue states`
  }

  private note({ name, args }: { name: string, args: Record<string, unknown> }, prefix: string,
    kinds: ReadonlyMap<string, string>): void {
    this.heard.add(name)
    if (name === 'channel.close' || name === 'connection.close') {
      this.errors.add(`${name} ${String(args['reply-code'])}`)
      const text = String(args['reply-text']).replaceAll(prefix, '')
      this.texts.add(text.replaceAll(/'[^']*'|\d+/g, '_'))
    }
    if (name !== 'queue.declare-ok') return
    const queue = String(args['queue']).replace(prefix, '%')
    const counts = [args['message-count'], args['consumer-count']].map((count) => bucket(count as number))
    this.states.add(`${kinds.get(queue) ?? 'server-named'} ${counts.join(' ')}`)
  }
}

/** A queue's name and what kind it is: flags and the names of its arguments. */
function queueKind(args: Record<string, unknown>): [string, string] {
  const flags = ['durable', 'exclusive', 'auto-delete'].filter((name) => args[name] === true)
  const names = ((args['arguments'] ?? []) as Field[]).map(([name]) => name).toSorted()
  return [String(args['queue']), [...flags, ...names].join('+')]
}
