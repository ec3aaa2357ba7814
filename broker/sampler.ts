// Looks at every counter each five seconds, so that the HTTP door can tell rates and curves. runtime/ calls
// `sample` by its timer. An object that had no traffic since the last look costs one comparison and no
// memory; one that has keeps a minute of history until it was idle for as long. The broker as a whole keeps a
// day.
import {
  ChannelTraffic, ClientTraffic, ConnectionTraffic, ExchangeTraffic, QueueTraffic, VHostTraffic,
} from '../base/traffic.ts'
import type { Broker } from './broker.ts'
import { Counters } from './counters.ts'
import { History } from './history.ts'

/** RabbitMQ: collect_statistics_interval. */
export const SAMPLE_MS = 5_000
/** One minute and its two ends. */
const OBJECT_SLOTS = 13

/** What the whole broker keeps: RabbitMQ's retention policies for its overview, the last but one left out. */
const TOTAL_TIERS = [
  { everyMs: SAMPLE_MS, slots: 121 }, { everyMs: 60_000, slots: 61 }, { everyMs: 600_000, slots: 145 },
] as const

type Traffic = QueueTraffic | ExchangeTraffic | ChannelTraffic | ConnectionTraffic | VHostTraffic

/** What a queue, or all of them, hold now, beside what has been counted. */
interface Levels {
  readonly readyCount: number
  readonly unackedCount: number
}

const LEVELS = ['readyCount', 'unackedCount']
const fieldsOf = (counted: object): string[] => Object.entries(counted)
  .filter(([name, value]) => typeof value === 'number' && name !== 'sampledSum').map(([name]) => name)
const QUEUE_FIELDS = fieldsOf(new QueueTraffic())
const EXCHANGE_FIELDS = fieldsOf(new ExchangeTraffic())
const CHANNEL_FIELDS = fieldsOf(new ChannelTraffic())
const CONNECTION_FIELDS = fieldsOf(new ConnectionTraffic())
const VHOST_FIELDS = fieldsOf(new VHostTraffic())
const TOTAL_FIELDS = [...fieldsOf(new Counters()), ...fieldsOf(new ClientTraffic()), ...LEVELS]

interface Watched {
  readonly history: History
  /** The look that found it; objects that are gone are found by none. */
  look: number
  idleLooks: number
}

export class Sampler {
  private readonly broker: Broker
  private readonly watched = new Map<Traffic, Watched>()
  private readonly tiers = TOTAL_TIERS.map(({ everyMs, slots }) => ({
    everyMs, ageMs: everyMs * (slots - 1), history: new History(TOTAL_FIELDS, slots),
  }))
  private look = 0

  constructor(broker: Broker) {
    this.broker = broker
  }

  /**
   * The history of a queue, an exchange, a channel, a connection or a vhost by its traffic; null while it is
   * idle.
   */
  historyOf(traffic: Traffic): History | null {
    return this.watched.get(traffic)?.history ?? null
  }

  /** The finest history of the whole broker that reaches back so far. */
  totals(ageMs = 0): History {
    return (this.tiers.find((tier) => tier.ageMs >= ageMs) ?? this.tiers.at(-1)!).history
  }

  /** Every SAMPLE_MS. */
  sample(): void {
    const { broker } = this
    this.look++
    const levels = { readyCount: 0, unackedCount: 0 }
    for (const vhost of broker.vhosts.values()) {
      const held = vhost.countMessages()
      levels.readyCount += held.readyCount
      levels.unackedCount += held.unackedCount
      this.see(vhost.traffic, VHOST_FIELDS, held)
      for (const queue of vhost.queues.values()) this.see(queue.traffic, QUEUE_FIELDS, queue)
      for (const exchange of vhost.exchanges.values()) this.see(exchange.traffic, EXCHANGE_FIELDS, null)
    }
    for (const connection of broker.connections) {
      this.see(connection.traffic, CONNECTION_FIELDS, null)
      for (const channel of connection.channelViews()) this.see(channel.traffic, CHANNEL_FIELDS, null)
    }
    for (const [traffic, { look }] of this.watched) if (look !== this.look) this.watched.delete(traffic)
    this.sampleTotals(levels)
  }

  private sampleTotals(levels: Levels): void {
    const { nowMs } = this.broker.clock
    const counted = { ...this.broker.countAll(), ...levels } as unknown as Readonly<Record<string, number>>
    for (const { everyMs, history } of this.tiers) {
      // The timer may come a little early.
      if (nowMs - history.lastMs >= everyMs - SAMPLE_MS / 2) history.push(nowMs, (field) => counted[field]!)
    }
  }

  private see(traffic: Traffic, fields: readonly string[], levels: Levels | null): void {
    const counted = traffic as unknown as Readonly<Record<string, number>>
    let sum = levels === null ? 0 : levels.readyCount + levels.unackedCount
    for (const field of fields) sum += counted[field]!
    const isIdle = sum === traffic.sampledSum
    let watched = this.watched.get(traffic)
    if (watched === undefined) {
      if (isIdle) return
      const names = levels === null ? fields : [...fields, ...LEVELS]
      watched = { history: new History(names, OBJECT_SLOTS), look: 0, idleLooks: 0 }
      this.watched.set(traffic, watched)
      if (traffic.sampledSum === 0) watched.history.push(this.broker.clock.nowMs - SAMPLE_MS, () => 0)
    }
    traffic.sampledSum = sum
    watched.idleLooks = isIdle ? watched.idleLooks + 1 : 0
    if (watched.idleLooks > OBJECT_SLOTS) return // seen by no look, it is forgotten
    watched.look = this.look
    const of = levels as Readonly<Record<string, number>> | null
    watched.history.push(this.broker.clock.nowMs, (field) => counted[field] ?? of?.[field] ?? 0)
  }
}
