// The checker's own test: bugs that brokers have had, planted one at a time by patching classes of the
// broker for the time of a run. Each must be found, and by the rule that is there for it; a checker that
// finds none of them proves nothing when it finds nothing (reliability §6, §9.1).
import { afterEach, expect, test } from 'vitest'
import { TestClock } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { TimeHistogram } from '../../base/time-histogram.ts'
import type { Timer, TimerWheel } from '../../base/timer-wheel.ts'
import { Broker } from '../../broker/broker.ts'
import { VHost } from '../../broker/vhost.ts'
import { Channel } from '../../connections/channel.ts'
import { Confirms } from '../../connections/confirms.ts'
import { ConnectionTimer } from '../../connections/connection-timer.ts'
import { Consumer } from '../../connections/consumer.ts'
import { Publisher } from '../../connections/publisher.ts'
import { DeadLetterer } from '../../dlq/dead-letterer.ts'
import { FrameWriter } from '../../protocol/frame-writer.ts'
import { writeBasicAck } from '../../protocol/methods.gen.ts'
import type { DeathPlace, DeathReason } from '../../queues/dead-letter-sink.ts'
import { Deaths } from '../../queues/deaths.ts'
import { Deliveries } from '../../queues/deliveries.ts'
import type { ConsumerPort, Entry } from '../../queues/entry.ts'
import { GroupWaits } from '../../queues/group-waits.ts'
import { GroupedReady } from '../../queues/grouped-ready.ts'
import type { Message } from '../../queues/message.ts'
import { Held } from '../../queues/held.ts'
import type { HeldMessage } from '../../queues/held.ts'
import { Lease } from '../../queues/lease.ts'
import { PagedReady } from '../../queues/paged-ready.ts'
import { Queue } from '../../queues/queue.ts'
import { FifoReady } from '../../queues/ready-list.ts'
import type { ReadyList } from '../../queues/ready-list.ts'
import type { Route } from '../../exchanges/route.ts'
import { BatchPipeline } from '../../store/batch-pipeline.ts'
import type { ClosedBatch } from '../../store/batch.ts'
import type { Page } from '../../store/store.ts'
import type { Rule } from './checker.ts'
import { runSeed } from './run.ts'
import type { RunSettings } from './run.ts'

/** Hundreds are run for real; a bug that hides longer than this is one the programme is too small for. */
const SEEDS_MAX = 300

interface Plant extends RunSettings {
  readonly bug: string
  /** Any of them: several rules may see one bug, and the first to do so ends the run. */
  readonly foundBy: readonly Rule[]
  readonly plant?: () => void
}

let undo: (() => void)[] = []

afterEach(() => {
  for (const each of undo) each()
  undo = []
})

/** Replaces a method; the replacement gets the original, bound, and the object's private fields as `Self`. */
function patch<Self, Args extends readonly unknown[], Result>(
  target: object, name: string,
  replacement: (self: Self, original: (...args: Args) => Result, args: Args) => Result,
): void {
  const original = Reflect.get(target, name) as ((...args: Args) => Result) | undefined
  if (original === undefined) throw new Error(`there is no method ${name} to plant a bug in`)
  Reflect.set(target, name, function patched(this: Self, ...args: Args): Result {
    return replacement(this, (...given) => Reflect.apply(original, this, given) as Result, args)
  })
  undo.push(() => Reflect.set(target, name, original))
}

interface ChannelInside { readonly isOpen: boolean; readonly unacked: { takeAll(): Entry[] } }
interface PipelineInside {
  readonly inFlight: ClosedBatch | null
  committed(buffers: readonly ArrayBuffer[]): void
}
interface LeaseInside {
  readonly parts: { readonly clock: Clock; readonly timers: TimerWheel }
  readonly lengthMs: number
}
interface DeliveriesInside { readonly queue: Queue }
interface HeldInside { bytes: number }
interface ConfirmsInside { readonly answeredTag: number; readonly channel: { readonly number: number } }
type RestoreArguments = Parameters<Queue['restore']>

function onClose(then: (entry: Entry) => void): void {
  patch<ChannelInside, [], void>(Channel.prototype, 'end', (self, original) => {
    if (self.isOpen) for (const entry of self.unacked.takeAll()) then(entry)
    original()
  })
}

function confirmAtOnce(): void {
  patch<unknown, [number, boolean], void>(
    Confirms.prototype, 'published', (_, original, [, isNack]) => original(0, isNack))
}

const plants: readonly Plant[] = [
  {
    bug: 'a confirm before its commit', foundBy: ['confirm before durable'], plant: confirmAtOnce,
  },
  {
    bug: 'a confirm before its commit, seen by clients alone', foundBy: ['lost confirmed'],
    plant: confirmAtOnce, isBlackBox: true,
  },
  {
    bug: 'an ack that is not written', foundBy: ['redelivered after durable ack'],
    onDisk: (disk) => { disk.drop = () => {} },
  },
  {
    bug: 'unacked messages dropped when their channel closes',
    // Lost; or dropped for good while the delivery is still on its way to the client.
    foundBy: ['lost confirmed', 'redelivered after durable ack'],
    plant: () => onClose((entry) => entry.queue.settle(entry)),
  },
  {
    bug: 'the redelivered flag missing after a crash', foundBy: ['duplicate without flag'],
    plant: () => patch<unknown, RestoreArguments, void>(Queue.prototype, 'restore',
      (_, original, [restored]) => original(restored, 0)),
  },
  {
    bug: 'the redelivered flag missing after a channel closed', foundBy: ['duplicate without flag'],
    plant: () => onClose((entry) => {
      entry.queue.requeue(entry, 'nacked')
      entry.deliveryCount = 0
    }),
  },
  {
    bug: 'the redelivered flag missing after a clean stop', foundBy: ['duplicate without flag'],
    plant: () => patch(Broker.prototype, 'rememberDeliveries', () => {}),
  },
  {
    bug: 'a requeue at the tail', foundBy: ['invariant'],
    plant: () => patch<FifoReady, [Entry], void>(
      FifoReady.prototype, 'requeue', (self, _, [entry]) => self.push(entry)),
  },
  {
    bug: 'a page that comes back in reverse order', foundBy: ['invariant', 'order'],
    plant: () => patch<PagedReady, [Page], void>(PagedReady.prototype, 'pageLoaded', (_, original, [page]) =>
      original({ ...page, messages: page.messages.toReversed() })),
  },
  {
    bug: 'a page that is read twice',
    foundBy: [
      'two holders', 'invariant', 'duplicate without flag', 'internal error', 'redelivered after durable ack',
    ],
    plant: () => patch<{ loadedTo: number }, [Page], void>(
      PagedReady.prototype, 'pageLoaded', (self, original, args) => {
        const { loadedTo } = self
        original(...args)
        if (args[0].messages.length > 2) self.loadedTo = loadedTo
      }),
  },
  {
    bug: 'a backlog that is let go before it is on disk', foundBy: ['no progress', 'lost confirmed', 'order'],
    plant: () => patch<{ tail: Iterable<Entry> }, [], void>(
      PagedReady.prototype, 'pageOut', (self, original) => {
        for (const entry of self.tail) entry.batch = 0
        original()
      }),
  },
  {
    bug: 'a store error that is ignored',
    foundBy: ['lost confirmed', 'redelivered after durable ack', 'topology lost'],
    plant: () => patch<PipelineInside, [], void>(
      BatchPipeline.prototype, 'fail', (self) => self.committed(self.inFlight?.buffers ?? [])),
  },
  {
    bug: 'a confirm sent twice', foundBy: ['double confirm'],
    plant: () => patch<ConfirmsInside, [FrameWriter, TimeHistogram], number>(
      Confirms.prototype, 'write', (self, original, [writer, times]) => {
        const count = original(writer, times)
        if (count > 1) writeBasicAck(writer, self.channel.number, self.answeredTag, false)
        return count
      }),
  },
  {
    bug: 'a body corrupted in the store', foundBy: ['corrupt'],
    onDisk: (disk) => {
      const put = disk.put.bind(disk)
      disk.put = (scope, queue, id, bodyId, level, routingKey, head, body) => {
        const rotten = Buffer.from(body)
        if (rotten.length > 0) rotten[rotten.length - 1]! ^= 0x10
        put(scope, queue, id, bodyId, level, routingKey, head, rotten)
      }
    },
  },
  {
    bug: 'a message handed to two consumers', foundBy: ['two holders'],
    plant: () => patch<DeliveriesInside, [Entry, ConsumerPort], void>(
      Deliveries.prototype, 'handOut', (self, original, [entry, consumer]) => {
        original(entry, consumer)
        const other = [...self.queue.consumers].find((each) => each !== consumer)
        if (entry.id % 7 > 0 || entry.isRedelivered || other === undefined) return
        entry.deliveryCount++
        other.deliver(entry)
      }),
  },
  {
    // Or by the owner of an exclusive queue, who knows what comes next.
    bug: 'two messages that change places', foundBy: ['order', 'unexpected'],
    plant: () => patch<FifoReady, [], Entry | null>(FifoReady.prototype, 'shift', (self, original) => {
      const first = original()
      const second = first === null || first.id % 13 > 0 ? null : original()
      if (first === null || second === null) return first
      self.requeue(first)
      return second
    }),
  },
  {
    bug: 'a message in a queue that it was not routed to', foundBy: ['unexpected'],
    plant: () => patch<VHost, [Route<Queue>, Message], number>(
      VHost.prototype, 'publish', (self, original, [route, message]) => {
        if (route.queues.length === 1) self.queues.get('right')?.publish(message)
        return original(route, message)
      }),
  },
  {
    bug: 'a binding that is not kept', foundBy: ['topology lost'],
    onDisk: (disk) => {
      const define = disk.define.bind(disk)
      disk.define = (scope, kind, name, doc) => { if (kind !== 'binding') define(scope, kind, name, doc) }
    },
  },
  {
    bug: 'a mandatory message that is not returned', foundBy: ['return missing'],
    plant: () => patch(Publisher.prototype, 'unroutable', () => {}),
  },
  {
    bug: 'an expired message whose letter is not made', foundBy: ['lost confirmed'],
    plant: () => patch<unknown, [DeathPlace, Message, DeathReason], void>(
      DeadLetterer.prototype, 'deadLetter', (_, original, args) => {
        if (args[2] !== 'expired') original(...args)
      }),
  },
  {
    bug: 'a dead message that stays beside its letter',
    foundBy: ['two places', 'redelivered after durable ack'],
    plant: () => patch<Deaths, Parameters<Deaths['die']>, void>(
      Deaths.prototype, 'die', (self, original, args) => {
        const [entry, reason] = args
        if (reason !== 'maxlen') return original(...args)
        self.deadLetter(entry.message, reason)
      }),
  },
  {
    bug: 'a publish that a full queue refused and that is confirmed',
    foundBy: ['confirm before durable', 'lost confirmed'],
    plant: () => patch<unknown, [Message], boolean>(Queue.prototype, 'publish', (_, original, args) => {
      original(...args)
      return true
    }),
  },
  {
    bug: 'a purge that is forgotten by the disk', foundBy: ['redelivered after durable ack'],
    onDisk: (disk) => { disk.purge = () => {} },
  },
  {
    bug: 'a message without ack that stays on disk',
    foundBy: ['back after the end', 'redelivered after durable ack'],
    plant: () => patch<unknown, [Entry, ConsumerPort], void>(
      Deliveries.prototype, 'handOut', (_, original, [entry, consumer]) => {
        if (consumer.isNoAck) entry.isStored = false
        original(entry, consumer)
      }),
  },
  {
    bug: 'doors that stay shut when the store has caught up', foundBy: ['no progress'],
    plant: () => patch(VHost.prototype, 'relieved', () => {}),
  },
  {
    bug: 'a heartbeat by the wall clock', foundBy: ['unexpected close'],
    plant: () => patch<Timer & { readonly broker: Broker }, [number], void>(
      ConnectionTimer.prototype, 'set', (self, _, [ms]) => {
        const { clock, timers } = self.broker
        timers.set(self, clock.nowMs - new TestClock().nowMs + ms)
      }),
  },
  {
    bug: 'a lease by the wall clock', foundBy: ['lost confirmed', 'unexpected close'],
    plant: () => patch<Timer & LeaseInside, [], void>(Lease.prototype, 'renew', (self) => {
      const { parts: { clock, timers }, lengthMs } = self
      if (lengthMs !== Infinity) timers.set(self, clock.nowMs - new TestClock().nowMs + lengthMs)
    }),
  },
  {
    bug: 'an exclusive queue that outlives its connection', foundBy: ['no progress'],
    plant: () => patch(VHost.prototype, 'queuesOf', () => []),
  },
  {
    bug: 'a commit-ok before its commit', foundBy: ['confirm before durable'],
    plant: () => patch<unknown, [], number>(Channel.prototype, 'commit', (_, original) => {
      original()
      return 0
    }),
  },
  {
    bug: 'a rollback that commits', foundBy: ['unexpected'],
    plant: () => patch<Channel, [], void>(Channel.prototype, 'rollback', (self) => { self.commit() }),
  },
  {
    bug: 'a delayed message that is released before its time', foundBy: ['early'],
    plant: () => patch<unknown, [Message, number], void>(
      Held.prototype, 'delay', (_, original, [message, dueMs]) => original(message, dueMs - 40)),
  },
  {
    bug: 'a group that two consumers have', foundBy: ['group'],
    plant: () => patch(GroupedReady.prototype, 'occupy', () => {}),
  },
  {
    bug: 'a return behind others of its group', foundBy: ['group'],
    plant: () => patch<{ inner: ReadyList }, [Entry], void>(
      GroupedReady.prototype, 'requeue', (self, _, [entry]) => self.inner.requeue(entry)),
  },
  {
    bug: 'a group that waits for ever', foundBy: ['no progress'],
    plant: () => patch(GroupWaits.prototype, 'next', () => null),
  },
  {
    bug: 'held messages that are forgotten by a restart', foundBy: ['lost confirmed'],
    plant: () => patch(Held.prototype, 'restore', () => {}),
  },
  {
    bug: 'a message that is ready and still held',
    foundBy: ['two places', 'redelivered after durable ack', 'two holders'],
    plant: () => patch<HeldInside, [HeldMessage], void>(Held.prototype, 'leave', (self, _, [held]) => {
      self.bytes -= held.message.bodyBytes
    }),
  },
  {
    bug: 'credit that does not come back', foundBy: ['no progress'],
    plant: () => patch(Consumer.prototype, 'release', () => {}),
  },
  {
    bug: 'output that is written over before it has left',
    foundBy: ['internal error', 'unexpected', 'corrupt', 'no progress'],
    plant: () => patch<{ takenTo: number; frameStart: number; at: number }, [], Buffer[]>(
      FrameWriter.prototype, 'take', (self, original) => {
        const pieces = original()
        self.takenTo = self.frameStart = self.at = 0
        return pieces
      }),
  },
]

test.each(plants)('finds $bug', async ({ bug, foundBy, plant, ...settings }) => {
  plant?.()
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const { violations } = await runSeed(seed, settings)
    if (violations.length === 0) continue
    const rules = [...new Set(violations.map(({ rule }) => rule))]
    process.stdout.write(`planted: ${bug}: seed ${seed} of ${SEEDS_MAX}, by ${rules.join(', ')}\n`)
    const fitting = rules.filter((rule) => foundBy.includes(rule))
    expect(fitting, `found by ${JSON.stringify(violations[0])}`).not.toEqual([])
    return
  }
  expect.fail(`no seed up to ${SEEDS_MAX} shows ${bug}`)
}, 120_000)

test('finds nothing where nothing is planted', async () => {
  for (let seed = 1; seed <= 30; seed++) expect((await runSeed(seed)).violations, `seed ${seed}`).toEqual([])
}, 120_000)
