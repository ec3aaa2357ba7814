// Messages as bytes, built once and written often: publishes with their header and body frames back to back.
// Used by publisher.ts and round-trips.ts. Invariant: message n ends at ends[n], and its body begins at
// bodies[n], so that a write can stop after any message and a time stamp finds its place.
import { encodeFrame, encodeHeader, encodeProperties, frameType } from '../../compat-tests/harness/wire.ts'
import { FRAME_MAX, methodFrame } from './connection.ts'
import type { MessagePlan } from './job.ts'

const BATCH_BYTES = 65_536
const BATCH_MESSAGES_MAX = 1_000
const FRAME_OVERHEAD = 8

export interface MessageBatch {
  readonly bytes: Buffer
  readonly count: number
  readonly ends: Uint32Array
  readonly bodies: Uint32Array
}

/** Repeats the plans in turn; without a count, as many as make a good write. */
export function buildBatch(plans: readonly MessagePlan[], bodyBytes: number, count?: number): MessageBatch {
  const messages = plans.map((plan) => buildMessage(plan, bodyBytes))
  const fitting = Math.floor(BATCH_BYTES / messages[0]!.bytes.length)
  const wanted = count ?? Math.max(plans.length, Math.min(BATCH_MESSAGES_MAX, fitting))
  const ends = new Uint32Array(wanted)
  const bodies = new Uint32Array(wanted)
  const parts: Buffer[] = []
  let end = 0
  for (let n = 0; n < wanted; n++) {
    const { bytes, bodyAt } = messages[n % messages.length]!
    parts.push(bytes)
    bodies[n] = end + bodyAt
    end += bytes.length
    ends[n] = end
  }
  return { bytes: Buffer.concat(parts), count: wanted, ends, bodies }
}

function buildMessage(plan: MessagePlan, bodyBytes: number): { bytes: Buffer, bodyAt: number } {
  const body = Buffer.alloc(bodyBytes, 'x')
  const publish = methodFrame('basic.publish', { 'exchange': plan.exchange, 'routing-key': plan.key })
  const header = encodeFrame(frameType.header, 1, encodeHeader(bodyBytes, encodeProperties(plan.properties)))
  const frames: Buffer[] = []
  for (let at = 0; at < bodyBytes; at += FRAME_MAX - FRAME_OVERHEAD) {
    frames.push(encodeFrame(frameType.body, 1, body.subarray(at, at + FRAME_MAX - FRAME_OVERHEAD)))
  }
  return { bytes: Buffer.concat([publish, header, ...frames]), bodyAt: publish.length + header.length + 7 }
}
