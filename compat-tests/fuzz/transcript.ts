// What was heard, as text that two brokers' transcripts are compared by. Called by verdict.ts and for what is
// printed. Invariant: only what may differ by right is made alike: names that the broker chose, times, the
// order of a cancel and a delete-ok, batching of confirms, and what differences.ts accepts.

import { methodNameOf } from '../harness/amqp-methods.ts'
import { decodeMethod, decodeProperties, frameType } from '../harness/wire.ts'
import type { Args, Field, Item } from '../harness/wire.ts'
import { entryKind } from './peer.ts'
import type { Entry } from './peer.ts'
import type { Hearing, Transcript } from './play.ts'

const generated = /(amq\.(?:gen|ctag)-)[\w-]{22}/g
const replyName = /amq\.rabbitmq\.reply-to\.[\w.+/=-]+/g

/** A JSON text in which the broker's own names are alike and the program's begin with `%`. */
function plain(value: unknown, prefix: string): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? Number(item) : item))
    .replaceAll('by <<\\"quorum\\">> queues', 'by quorum queues') // ledger quorum-get-text
    .replaceAll(prefix, '%').replaceAll(generated, '$1*').replaceAll(replyName, 'amq.rabbitmq.reply-to.*')
}

/** Times of death are the broker's clock. */
function timeless(item: Item): Item {
  const [tag, value] = item
  if (tag === 'A') return [tag, (value as Item[]).map(timeless)]
  if (tag !== 'F') return item
  return [tag, (value as Field[]).map(([name, inner, content]): Field =>
    (name === 'time' && inner === 'T' ? [name, inner, 0] : [name, ...timeless([inner, content])] as Field))]
}

/** Ledger `header-order`: sorted by name, the first of duplicates. */
function comparable(properties: Args): Args {
  const headers = properties['headers'] as Field[] | undefined
  if (headers === undefined) return properties
  const first = headers.filter(([name], at) => headers.findIndex(([other]) => other === name) === at)
  const sorted = first.toSorted(([a], [b]) => (Buffer.compare(Buffer.from(a), Buffer.from(b))))
  return {
    ...properties,
    headers: sorted.map(([name, tag, value]): Field =>
      (name === 'x-death' ? [name, ...timeless([tag, value])] as Field : [name, tag, value])),
  }
}

function headerText(payload: Buffer, prefix: string): string {
  const properties = comparable(decodeProperties(payload.subarray(12)))
  return `  ${payload.readBigUInt64BE(4)} bytes ${plain(properties, prefix)}`
}

/** Ledger `dead-letter-redelivered`: what was handed out before it died says so in its new queue, or not. */
function isLetter(next: Entry | undefined): boolean {
  return next?.kind === frameType.header && next.payload.includes('x-first-death-reason')
}

function entryText(entry: Entry, next: Entry | undefined, prefix: string): string {
  const { kind, payload } = entry
  switch (kind) {
    case entryKind.ack: return `confirm.ack ${payload.toString()}`
    case entryKind.nack: return `confirm.nack ${payload.toString()}`
    case entryKind.dropped: return 'dropped without a close'
    case entryKind.silent: return 'no answer'
    case entryKind.http: return `answered ${payload.toString()}`
    case frameType.header: return headerText(payload, prefix)
    case frameType.body: return `  body ${plain(payload.toString(), prefix)}`
    case frameType.method: {
      const { name, args } = decodeMethod(payload)
      if ('redelivered' in args && isLetter(next)) args['redelivered'] = 'either'
      if ('class-id' in args) {
        const { 'class-id': classId, 'method-id': methodId, ...rest } = args
        const because = methodNameOf(classId as number, methodId as number)
        return `${name} ${plain({ ...rest, because }, prefix)}`
      }
      return `${name} ${plain(args, prefix)}`
    }
    default: return `frame of type ${kind} ${payload.toString('hex')}`
  }
}

const isConfirm = ({ kind }: Entry): boolean => kind === entryKind.ack || kind === entryKind.nack
const isCancel = ({ kind, payload }: Entry): boolean =>
  kind === frameType.method && payload.readUInt32BE(0) === 60 * 0x1_0000 + 30

/** The lines of one channel in one step: cancels and confirms last, in order of their tags. */
export function hearingLines(entries: readonly Entry[], prefix: string): string[] {
  const first = entries.filter((entry) => !isConfirm(entry) && !isCancel(entry))
  const lines = first.map((entry, at) => entryText(entry, first[at + 1], prefix))
  const cancels = entries.filter(isCancel).map((entry) => entryText(entry, undefined, prefix)).toSorted()
  const confirms = entries.filter(isConfirm)
    .toSorted((a, b) => Number(a.payload.toString()) - Number(b.payload.toString()))
    .map((entry) => entryText(entry, undefined, prefix))
  return [...lines, ...cancels, ...confirms]
}

/** One line per frame, `0.1 queue.declare-ok …`, channels in order. */
export function stepLines(hearing: Hearing | undefined, prefix: string): string[] {
  return [...hearing ?? []].toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([on, entries]) => hearingLines(entries, prefix).map((line) => `${on} ${line}`))
}

function sameBytes(a: Hearing, b: Hearing): boolean {
  if (a.size !== b.size) return false
  for (const [on, entries] of a) {
    const others = b.get(on)
    if (others?.length !== entries.length) return false
    for (const [at, { kind, payload }] of entries.entries()) {
      if (kind !== others[at]!.kind || !payload.equals(others[at]!.payload)) return false
    }
  }
  return true
}

const isContent = (line: string): boolean => /^\d+\.\d+ {3}/.test(line)

const placed = /"(?:delivery-tag|message-count|consumer-tag)":[^,}]+/g

/** The messages heard in a step, in a fixed order, without what their places decide. */
function messagesIn(lines: readonly string[]): string[] {
  const messages: string[] = []
  for (const line of lines) {
    const text = line.replace(/^\S+ /, '').replaceAll(placed, '')
    if (isContent(line) && messages.length > 0) messages[messages.length - 1] += text
    else messages.push(text)
  }
  return messages.toSorted()
}

/**
 * Whether a step differs in nothing but the order in which letters of several queues came: RabbitMQ's queues
 * are processes, and whose letter is first is not determined.
 */
export function isRaceOfLetters(leveret: Played, rabbit: Played, step: number): boolean {
  const [mine, theirs] = [leveret, rabbit].map(({ transcript, prefix }) =>
    messagesIn(stepLines(transcript[step], prefix))) as [string[], string[]]
  if (mine.join('\n') !== theirs.join('\n')) return false
  const origins = mine.map((message) => /\["x-death",.*?\["queue","S","([^"]*)"\]/.exec(message)?.[1])
  return new Set(origins.filter((origin) => origin !== undefined)).size > 1
}

export interface Place {
  readonly step: number
  /** The first lines that differ; empty where one side heard nothing more. */
  readonly leveret: string
  readonly rabbit: string
}

export interface Played {
  readonly transcript: Transcript
  readonly prefix: string
}

/** Where two transcripts part, or null. */
export function firstDifference(leveret: Played, rabbit: Played): Place | null {
  for (const [step, hearing] of rabbit.transcript.entries()) {
    const other = leveret.transcript[step]!
    if (leveret.prefix === rabbit.prefix && sameBytes(other, hearing)) continue
    const mine = stepLines(other, leveret.prefix)
    const theirs = stepLines(hearing, rabbit.prefix)
    const at = theirs.findIndex((line, index) => line !== mine[index])
    const place = at === -1 ? (mine.length > theirs.length ? theirs.length : -1) : at
    if (place !== -1) return { step, leveret: mine[place] ?? '', rabbit: theirs[place] ?? '' }
  }
  return null
}
