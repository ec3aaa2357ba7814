// BatchWriter and readBatch against each other, and against a plain list of what was appended and cancelled.

import { array, assert, boolean, integer, nat, oneof, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchWriter, type ClosedBatch } from './batch.ts'
import { readBatch } from './batch-reader.ts'
import { messageOf } from './engine-under-test.contract.ts'

/** The records of a batch as readable text, in order. */
function recordsOf(batch: ClosedBatch): string[] {
  const records: string[] = []
  readBatch(batch, {
    body: (bodyId, body) => records.push(`body ${bodyId} ${body.toString('hex')}`),
    put: (scope, queue, id, bodyId, level, key, _head, body) => {
      const at = level === 0 ? '' : ` @${level}`
      records.push(`put ${scope} ${queue} ${id} ${bodyId} ${key} ${body.toString('hex')}${at}`)
    },
    spill: (scope, queue, id, level, key, _head, body) =>
      records.push(`spill ${scope} ${queue} ${id} ${key} ${body.toString('hex')} @${level}`),
    drop: (queue, id, bodyId) => records.push(`drop ${queue} ${id} ${bodyId}`),
    purge: (queue, afterId, lastId, level) =>
      records.push(`purge ${queue} ${afterId} ${lastId} @${level}`),
    touch: (queue, id, count) => records.push(`touch ${queue} ${id} ${count}`),
    define: (scope, kind, name, doc) => records.push(`define ${scope} ${kind} ${name} ${doc}`),
  })
  return records
}

describe('a batch', () => {
  it('is read in the order it was written', () => {
    const writer = new BatchWriter()
    writer.put(3, 1, 2 ** 52, messageOf({ routingKey: 'ключ', body: Buffer.from([1, 2]) }))
    writer.put(3, -1, 9, messageOf({ body: Buffer.from([4]) }), 5, 1_800_000_000_001)
    writer.drop(3, 1, 7, 9, 0, 0)
    writer.purge(3, 1, 6, 2 ** 53 - 1, 256)
    writer.spill(3, 1, 8, messageOf({ body: Buffer.from([3]), bodyId: 2 }), Infinity, 7)
    writer.touch(3, 1, 5, 4)
    writer.define(2, { kind: 'queue', name: 'ü', doc: '{"id":1}' })
    writer.define(2, { kind: 'queue', name: '', doc: null })
    expect(recordsOf(writer.close())).toEqual([
      'put 3 1 4503599627370496 0 ключ 0102',
      'put 3 -1 9 0 created 04 @1800000000001',
      'drop 1 7 9',
      'purge 1 6 9007199254740991 @256',
      'spill 3 1 8 created 03 @7',
      'touch 1 5 4',
      'define 2 queue ü {"id":1}',
      'define 2 queue  null',
    ])
  })

  it('writes a shared body once, before its puts', () => {
    const writer = new BatchWriter()
    const message = messageOf({ body: Buffer.from([9]), bodyId: 4 })
    writer.put(1, 1, 5, message)
    writer.put(1, 2, 6, message)
    const records = ['body 4 09', 'put 1 1 5 4 created 09', 'put 1 2 6 4 created 09']
    expect(recordsOf(writer.close())).toEqual(records)
  })

  it('finds a shared body again behind others', () => {
    const writer = new BatchWriter()
    const [a, b] = [4, 7].map((bodyId) => messageOf({ body: Buffer.from([bodyId]), bodyId }))
    writer.put(1, 1, 5, a!)
    writer.put(1, 1, 8, b!)
    writer.put(1, 2, 9, a!)
    const bodies = recordsOf(writer.close()).filter((line) => line.startsWith('body'))
    expect(bodies).toEqual(['body 4 04', 'body 7 07'])
  })

  it('has no shared body when all its puts are cancelled', () => {
    const writer = new BatchWriter()
    const message = messageOf({ bodyId: 4 })
    const positions = [5, 6].map((id) => writer.put(1, id, id, message))
    for (const [index, position] of positions.entries()) writer.drop(1, 5 + index, 5 + index, 4, 1, position)
    const closed = writer.close()
    expect([closed.live, recordsOf(closed)]).toEqual([0, []])
  })

  it('has a shared body again when a put comes after all others were cancelled', () => {
    const writer = new BatchWriter()
    const message = messageOf({ body: Buffer.from([9]), bodyId: 4 })
    writer.drop(1, 1, 5, 4, 1, writer.put(1, 1, 5, message))
    writer.put(1, 2, 6, message)
    const closed = writer.close()
    expect([closed.live, recordsOf(closed)]).toEqual([2, ['body 4 09', 'put 1 2 6 4 created 09']])
  })

  it('refuses to drop at a position where nothing was put', () => {
    const writer = new BatchWriter()
    const position = writer.put(1, 1, 1, messageOf())
    writer.drop(1, 1, 1, 0, 1, position)
    expect(() => writer.drop(1, 1, 1, 0, 1, position)).toThrow('batch 1 has no put at 0')
  })

  it('uses the buffers it gets back', () => {
    const writer = new BatchWriter()
    writer.put(1, 1, 1, messageOf())
    const first = writer.close()
    writer.recycle(first.buffers)
    writer.close()
    expect(writer.close().buffers).toEqual(first.buffers)
  })

  it('holds bodies of any size, across arenas, with any of them cancelled', () => {
    const put = record({
      size: oneof(nat(300), nat(300_000)),
      shared: boolean(),
      copies: integer({ min: 1, max: 3 }),
      cancelled: array(boolean(), { minLength: 3, maxLength: 3 }),
    })
    assert(property(array(put, { maxLength: 20 }), (puts) => {
      const writer = new BatchWriter()
      const expected: string[] = []
      const toCancel: { id: number; bodyId: number; position: number }[] = []
      let id = 0
      for (const { size, shared, copies, cancelled } of puts) {
        const bodyId = shared ? ++id : 0
        const body = Buffer.alloc(size, id)
        for (let copy = 0; copy < copies; copy++) {
          const position = writer.put(1, copy, ++id, messageOf({ body, bodyId, routingKey: `k${id}` }))
          if (cancelled[copy]) toCancel.push({ id, bodyId, position })
          else expected.push(`put 1 ${copy} ${id} ${bodyId} k${id} ${body.toString('hex')}`)
        }
      }
      for (const { id, bodyId, position } of toCancel) writer.drop(1, 0, id, bodyId, 1, position)
      const records = recordsOf(writer.close())
      const bodies = new Set(expected.map((line) => line.split(' ')[4]).filter((bodyId) => bodyId !== '0'))
      expect(records.filter((line) => line.startsWith('put'))).toEqual(expected)
      expect(records.filter((line) => line.startsWith('body'))).toHaveLength(bodies.size)
    }), { numRuns: 60 })
  })
})
