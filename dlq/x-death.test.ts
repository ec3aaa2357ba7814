// The history of a dead letter: what is counted, what moves, what stays as it was first (behaviours §7.4).
import { describe, expect, it } from 'vitest'
import { ContentHeader } from '../protocol/content-header.ts'
import { encodeTable, tableOf } from '../protocol/table-encode.ts'
import { decodeTable } from '../protocol/table.ts'
import type { Field, FieldTable } from '../protocol/table.ts'
import { encodeContent } from '../test/amqp/client-codec.ts'
import { addDeath, historyHeaders, readHistory } from './x-death.ts'
import type { Death } from './x-death.ts'

const deathIn = (queue: string, more: Partial<Death> = {}): Death => ({
  queue, reason: 'expired', exchange: 'x', routingKeys: ['k'], timeS: 1_700_000_000, expiration: null,
  ...more,
})

const text = (value: string): Field => ({ tag: 'S', value })

/** `count queue.reason` of each entry. */
const shown = (history: readonly FieldTable[]): string[] => history.map((entry) => {
  const [count, queue, reason] = ['count', 'queue', 'reason'].map((name) => String(entry.get(name)?.value))
  return `${count} ${queue}.${reason}`
})

function headerWith(headers: FieldTable | null): ContentHeader {
  const frame = encodeContent(1, headers === null ? {} : { headers }, Buffer.alloc(0), 4096)
  const header = new ContentHeader()
  header.read(frame, 7, frame.length - 1)
  return header
}

/** Without x-death itself. */
const values = (table: FieldTable): Record<string, unknown> => {
  const others = [...table].filter(([name]) => name !== 'x-death')
  return Object.fromEntries(others.map(([name, field]) => [name, field.value]))
}

describe('an entry', () => {
  it('has RabbitMQ\'s fields, tags and order', () => {
    const [entry] = addDeath([], deathIn('q', { routingKeys: ['k', 'copy'], expiration: '250' }))
    expect([...entry!]).toEqual([
      ['original-expiration', text('250')],
      ['count', { tag: 'l', value: 1 }],
      ['reason', text('expired')],
      ['queue', text('q')],
      ['time', { tag: 'T', value: 1_700_000_000 }],
      ['exchange', text('x')],
      ['routing-keys', { tag: 'A', value: [text('k'), text('copy')] }],
    ])
  })

  it('has no original-expiration when the message had none', () => {
    expect(addDeath([], deathIn('q'))[0]!.has('original-expiration')).toBe(false)
  })
})

describe('another death', () => {
  it('in another queue, or for another reason, comes to the front', () => {
    let history = addDeath([], deathIn('a'))
    history = addDeath(history, deathIn('b'))
    history = addDeath(history, deathIn('a', { reason: 'rejected' }))
    expect(shown(history)).toEqual(['1 a.rejected', '1 b.expired', '1 a.expired'])
  })

  it('in the same queue for the same reason counts up and moves to the front, else as it was', () => {
    let history = addDeath([], deathIn('a', { expiration: '9' }))
    history = addDeath(history, deathIn('b'))
    const again = deathIn('a', { exchange: 'other', routingKeys: ['z'], timeS: 1_800_000_000 })
    history = addDeath(history, again)
    expect(shown(history)).toEqual(['2 a.expired', '1 b.expired'])
    const [entry] = history
    const kept = ['exchange', 'time', 'original-expiration'].map((name) => entry!.get(name)?.value)
    expect(kept).toEqual(['x', 1_700_000_000, '9'])
    expect(entry!.get('routing-keys')).toEqual({ tag: 'A', value: [text('k')] })
    expect([...entry!.keys()][0]).toBe('original-expiration')
  })

  it('counts on after its history went over the wire', () => {
    let history = addDeath([], deathIn('a'))
    for (let n = 2; n <= 4; n++) {
      const written = encodeTable(historyHeaders(history, deathIn('a'), headerWith(null)))
      history = addDeath(readHistory(decodeTable(written, 0, written.length), true), deathIn('a'))
      expect(shown(history)).toEqual([`${n} a.expired`])
    }
  })
})

describe('the history so far', () => {
  const [entry] = addDeath([], deathIn('a'))
  const headers: FieldTable = new Map([['x-death', { tag: 'A', value: [{ tag: 'F', value: entry! }] }]])

  it('is read from a dead letter', () => {
    expect(shown(readHistory(headers, true))).toEqual(['1 a.expired'])
  })

  it('is empty for a message that a client published with an x-death of its own', () => {
    expect(readHistory(headers, false)).toEqual([])
  })

  it('is empty where there are no headers, or no x-death among them', () => {
    expect([readHistory(null, true), readHistory(tableOf({ a: 1 }), true)]).toEqual([[], []])
  })
})

describe('x-first-death-* and x-last-death-*', () => {
  it('are the same at the first death, whatever a client wrote there', () => {
    const death = deathIn('a', { reason: 'maxlen', exchange: 'x' })
    const header = headerWith(tableOf({ 'x-first-death-queue': 'forged' }))
    expect(values(historyHeaders(addDeath([], death), death, header))).toEqual({
      'x-first-death-queue': 'a', 'x-first-death-reason': 'maxlen', 'x-first-death-exchange': 'x',
      'x-last-death-queue': 'a', 'x-last-death-reason': 'maxlen', 'x-last-death-exchange': 'x',
    })
  })

  it('stay and move on at later deaths', () => {
    const first = deathIn('a')
    const header = headerWith(historyHeaders(addDeath([], first), first, headerWith(null)))
    const second = deathIn('b', { reason: 'rejected', exchange: 'dlx' })
    expect(values(historyHeaders(addDeath(addDeath([], first), second), second, header))).toEqual({
      'x-first-death-queue': 'a', 'x-first-death-reason': 'expired', 'x-first-death-exchange': 'x',
      'x-last-death-queue': 'b', 'x-last-death-reason': 'rejected', 'x-last-death-exchange': 'dlx',
    })
  })
})
