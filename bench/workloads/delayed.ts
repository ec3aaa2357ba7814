// A million messages with random due times in one durable queue: how fast they come in, what they cost while
// they wait, how late they come (issue 7, must show 2), and what another queue notices of them. The due
// window begins when all are in, or the row fails. Its first half has the broker to itself; in the second
// the other queue runs beside it. Lateness is as a client sees it, its own process' share included.
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'amqplib'
import type { Field } from '../../compat-tests/harness/wire.ts'
import { within } from '../../compat-tests/harness/poll.ts'
import { generate } from '../generator/remote-generator.ts'
import { memory, percentile, rate, time } from '../workload.ts'
import type { Figure, Target, Timing, Workload } from '../workload.ts'
import { flows } from './flows.ts'

const MESSAGES = 1_000_000
const BODY_BYTES = 100
/** Filled slice by slice, each with due times of its own, this many of them. */
const SLICES = 4
const TIMES = 5_000
const BESIDE = 'transient-ack-100'
/** What filling may take, at worst. */
const FILLED_PER_SECOND_MIN = 5_000
const DUE_PER_SECOND = 10_000
/** For the processes that do so, and the flow that is measured before the window. */
const SPARE_MS = 120_000
/** Each half of the window holds a measured flow, its start included. */
const WINDOW_MS_MIN = 30_000
const LATEST_MS = 120_000

interface DueWindow {
  readonly fromMs: number
  readonly middleMs: number
  readonly toMs: number
}

export const delayed: Workload = {
  name: 'delayed-1m',
  what: `${MESSAGES} messages of ${BODY_BYTES} B with random due times; lateness, and ${BESIDE} beside them`,
  isLeveretOnly: true,
  isOnFreshBroker: true,
  async run(target, timing) {
    const messages = MESSAGES / timing.divisor
    const before = await flowBeside(target, timing)
    const fromMs = Date.now() + SPARE_MS + messages / FILLED_PER_SECOND_MIN * 1_000
    const lengthMs = Math.max(WINDOW_MS_MIN, messages / DUE_PER_SECOND * 1_000)
    const due = { fromMs, middleMs: fromMs + lengthMs / 2, toMs: fromMs + lengthMs }
    const queue = `bench-delayed-${process.pid}`
    const filled = await fill(target, queue, messages, due)
    const waiting = await flowBeside(target, timing)
    if (Date.now() > fromMs) throw new Error('the first messages were due before all were in: a slow machine')
    const lateness = new Lateness(due)
    const received = lateness.receive(target.url, queue, messages)
    await delay(due.middleMs - Date.now())
    const releasing = await flowBeside(target, timing)
    await within('every message', received, LATEST_MS + lengthMs)
    return [
      ...filled, ...lateness.figures(),
      rate('other queue alone', before), rate('beside waiting ones', waiting),
      rate('beside due ones', releasing),
    ]
  },
}

async function fill(
  target: Target, queue: string, messages: number, { fromMs, toMs }: DueWindow,
): Promise<readonly Figure[]> {
  let seconds = 0
  let memoryMiB = 0
  for (let slice = 0; slice < SLICES; slice++) {
    const anyTime = (): number => Math.floor(fromMs + Math.random() * (toMs - fromMs))
    const headers = Array.from({ length: TIMES }, (): Field[] => [['x-deliver-at', 'l', anyTime()]])
    const filled = await generate({
      kind: 'backlog', queue, messages: messages / SLICES, bodyBytes: BODY_BYTES, isPersistent: true,
      args: [], phases: 'fill', headers,
    }, { url: target.url, pids: target.pids() })
    seconds += filled.seconds
    memoryMiB = filled.memoryAfterMiB
  }
  return [rate('confirmed', messages / seconds), memory('memory, all waiting', memoryMiB)]
}

/** What a flow of its own consumes per second meanwhile. */
async function flowBeside(target: Target, timing: Timing): Promise<number> {
  const figures = await flows.find(({ name }) => name === BESIDE)!.run(target, timing)
  return figures.find(({ name }) => name === 'consumed')!.value
}

class Lateness {
  private readonly due: DueWindow
  private readonly alone: number[] = []
  private readonly beside: number[] = []

  constructor(due: DueWindow) {
    this.due = due
  }

  async receive(url: string, queue: string, messages: number): Promise<void> {
    const connection = await connect(url)
    const channel = await connection.createChannel()
    await new Promise<void>((resolve, reject) => {
      channel.consume(queue, (message) => {
        if (message === null) return reject(new Error('the consumer was cancelled'))
        this.add(Number(message.properties.headers!['x-deliver-at']))
        if (this.alone.length + this.beside.length === messages) resolve()
      }, { noAck: true }).catch(reject)
    })
    await channel.deleteQueue(queue)
    await connection.close()
  }

  figures(): readonly Figure[] {
    const halves = [['lateness', this.alone], ['lateness beside', this.beside]] as const
    return halves.flatMap(([name, samples]) => {
      const sorted = samples.toSorted((a, b) => a - b)
      return [0.5, 0.99].map((share) =>
        time(`${name} p${share * 100}`, percentile(sorted, share), 'ms'))
    })
  }

  private add(dueMs: number): void {
    const samples = dueMs < this.due.middleMs ? this.alone : this.beside
    samples.push(Date.now() - dueMs)
  }
}
