// Request and reply through direct reply-to: a requester that keeps a number of requests in flight, a
// responder that answers each, on two connections. Called by generator/main.ts. Invariant: one queue and one
// reply address, so replies come in the order of the requests and the oldest stamp belongs to the next reply.
import { setTimeout as delay } from 'node:timers/promises'
import { GeneratorConnection, methodFrame, methodId, throwIfClose } from './connection.ts'
import type { FrameSink } from './frame-walker.ts'
import type { Answer, RoundTripsJob, Where } from './job.ts'
import { buildBatch } from './message-batch.ts'
import type { MessageBatch } from './message-batch.ts'
import { Samples } from './samples.ts'
import { Window } from './window.ts'

const DELIVER = methodId('basic.deliver')
const REPLY_TO = 'amq.rabbitmq.reply-to'
const BODY_BYTES = 16
// In a content header's payload: class, weight and body size come before the flags, the only property after.
const PROPERTIES_AT = 14

/** Counts the deliveries of a chunk and tells them at its end. */
class DeliveryCounter implements FrameSink {
  private count = 0
  private readonly onDeliveries: (count: number) => void
  private readonly onHeader: (bytes: Buffer, at: number) => void

  constructor(onDeliveries: (count: number) => void, onHeader: (bytes: Buffer, at: number) => void) {
    this.onDeliveries = onDeliveries
    this.onHeader = onHeader
  }

  method(bytes: Buffer, at: number): void {
    throwIfClose(bytes, at)
    if (bytes.readUInt32BE(at) === DELIVER) this.count++
  }

  header(bytes: Buffer, at: number): void {
    this.onHeader(bytes, at)
  }

  body(): void {
    // a body says nothing that is counted
  }

  endOfChunk(): void {
    const count = this.count
    this.count = 0
    if (count > 0) this.onDeliveries(count)
  }
}

export async function runRoundTrips(job: RoundTripsJob, where: Where): Promise<Answer> {
  const queue = `bench-requests-${process.pid}`
  const control = await GeneratorConnection.open(where.url)
  await control.call('queue.declare', { queue, durable: true }, 'queue.declare-ok')
  const responder = await startResponder(where, queue, job.inFlight)
  const requester = await GeneratorConnection.open(where.url)
  await requester.call('basic.consume', { 'queue': REPLY_TO, 'no-ack': true }, 'basic.consume-ok')
  const plan = { exchange: '', key: queue, properties: { 'reply-to': REPLY_TO } }
  const requests = buildBatch([plan], BODY_BYTES, job.inFlight)
  const samples = new Samples()
  const sentAt = new Float64Array(job.inFlight)
  let done = 0
  let sent = 0
  const send = (count: number): void => {
    const now = performance.now()
    for (let n = 0; n < count; n++) sentAt[sent++ % job.inFlight] = now
    writeMany(requester, requests, count)
  }
  requester.stream(new DeliveryCounter((count) => {
    const now = performance.now()
    for (let n = 0; n < count; n++) samples.add(now - sentAt[done++ % job.inFlight]!)
    send(count)
  }, () => undefined))
  send(job.inFlight)

  await delay(job.warmUpMs)
  const look = new Window(where.pids)
  samples.isOn = true
  const before = done
  await look.last(job.measureMs, () => false)
  const answer = look.end({ operations: done - before })
  responder.destroy()
  requester.destroy()
  await control.call('queue.delete', { queue }, 'queue.delete-ok')
  await control.close()
  return { ...answer, latency: samples.latency() }
}

async function startResponder(where: Where, queue: string, inFlight: number): Promise<GeneratorConnection> {
  const responder = await GeneratorConnection.open(where.url)
  let replies: MessageBatch | null = null
  responder.stream(new DeliveryCounter(
    (count) => {
      if (replies !== null) writeMany(responder, replies, count)
    },
    (bytes, at) => {
      if (replies !== null) return
      const from = at + PROPERTIES_AT + 1
      const key = bytes.subarray(from, from + bytes[from - 1]!).toString()
      replies = buildBatch([{ exchange: '', key, properties: {} }], BODY_BYTES, inFlight)
    }))
  responder.socket.write(methodFrame('basic.consume', { queue, 'no-ack': true }))
  return responder
}

function writeMany(connection: GeneratorConnection, batch: MessageBatch, count: number): void {
  connection.socket.write(batch.bytes.subarray(0, batch.ends[count - 1]))
}
