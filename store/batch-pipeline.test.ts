// BatchPipeline with commits that succeed and fail when the test says so.

import { beforeEach, describe, expect, it } from 'vitest'
import type { ClosedBatch } from './batch.ts'
import { BatchPipeline } from './batch-pipeline.ts'
import { messageOf } from './engine-under-test.contract.ts'

let commits: ClosedBatch[]
let tasks: (() => void)[]
let events: string[]
let pipeline: BatchPipeline
let lastId: number

beforeEach(() => {
  commits = []
  tasks = []
  events = []
  lastId = 0
  pipeline = new BatchPipeline((batch) => commits.push(batch), (task) => tasks.push(task))
  pipeline.listeners.add({
    onDurable: (batch) => events.push(`durable ${batch}`),
    onFailed: ({ kind }) => events.push(`failed ${kind}`),
    onRelieved: () => events.push('relieved'),
  })
})

function put(count = 1, body = Buffer.alloc(10)): void {
  for (let n = 0; n < count; n++) pipeline.writer.put(1, 1, ++lastId, messageOf({ body }))
}

function putAndDrop(): void {
  const position = pipeline.writer.put(1, 1, ++lastId, messageOf())
  pipeline.writer.drop(1, 1, lastId, 0, pipeline.writer.number, position)
}

function finish(): void {
  pipeline.committed(commits.at(-1)?.buffers ?? [])
}

function committedNumbers(): number[] {
  return commits.map((batch) => batch.number)
}

describe('pace', () => {
  it('has one batch in flight while the next fills over several turns', () => {
    for (let turn = 0; turn < 3; turn++) {
      put()
      pipeline.seal()
    }
    expect(commits.map((batch) => batch.live)).toEqual([1])
    finish()
    expect(commits.map((batch) => batch.live)).toEqual([1, 2])
  })

  it('closes a batch that has grown large, and keeps the order of those that wait', () => {
    for (let turn = 0; turn < 2; turn++) {
      put(500)
      pipeline.seal()
    }
    expect(pipeline.writer.number).toBe(3)
    for (let turn = 0; turn < 2; turn++) finish()
    expect(committedNumbers()).toEqual([1, 2])
    expect(events).toEqual(['durable 1', 'durable 2'])
  })

  it('lets a batch that waits behind another grow six times as large', () => {
    for (let turn = 0; turn < 7; turn++) {
      put(500)
      pipeline.seal()
    }
    expect(pipeline.writer.number).toBe(3)
    put(500)
    pipeline.seal()
    expect(pipeline.writer.number).toBe(4)
    for (let turn = 0; turn < 3; turn++) finish()
    expect(commits.map(({ live }) => live)).toEqual([500, 500, 3_000])
  })

  it('does not cut a turn when a commit ends in the middle of it', () => {
    put()
    pipeline.seal()
    put()
    finish()
    expect(committedNumbers()).toEqual([1])
    put()
    pipeline.seal()
    expect(commits.at(-1)?.live).toBe(2)
  })
})

describe('a batch that was cancelled', () => {
  it('is reported without a commit', () => {
    putAndDrop()
    pipeline.seal()
    expect([commits, events]).toEqual([[], []])
    tasks.shift()?.()
    expect([commits, events]).toEqual([[], ['durable 1']])
  })

  it('is reported after those before it', () => {
    put()
    pipeline.seal()
    putAndDrop()
    pipeline.seal()
    expect(tasks).toEqual([])
    finish()
    tasks.shift()?.()
    expect(events).toEqual(['durable 1', 'durable 2'])
  })
})

describe('after a failure', () => {
  it('nothing is reported durable, not even what had been cancelled', () => {
    put()
    pipeline.seal()
    putAndDrop()
    pipeline.seal()
    pipeline.fail({ kind: 'unknown', cause: new Error('EIO') })
    finish()
    for (const task of tasks) task()
    expect(events).toEqual(['failed unknown'])
  })

  it('waiting for what was appended fails, and only the first failure is reported', async () => {
    put()
    const flushed = pipeline.flush()
    pipeline.fail({ kind: 'unknown', cause: new Error('EIO') })
    pipeline.fail({ kind: 'io', cause: new Error('again') })
    await expect(flushed).rejects.toThrow('EIO')
    await expect(pipeline.flush()).rejects.toThrow('EIO')
    expect(events).toEqual(['failed unknown'])
  })

  it('what is appended is forgotten at the end of its turn', () => {
    pipeline.fail({ kind: 'io', cause: new Error('EIO') })
    put(10)
    pipeline.seal()
    expect([pipeline.writer.bytes, pipeline.isCongested, commits]).toEqual([0, true, []])
  })
})

describe('a disk without room', () => {
  it('is congestion until there is room again, however little waits', () => {
    put()
    pipeline.seal()
    pipeline.noRoom()
    put()
    pipeline.seal()
    expect([pipeline.isCongested, committedNumbers(), events]).toEqual([true, [1], []])
    finish()
    finish()
    expect([pipeline.isCongested, events]).toEqual([true, ['durable 1', 'durable 2']])
    pipeline.roomFound()
    expect([pipeline.isCongested, events.at(-1)]).toEqual([false, 'relieved'])
  })

  it('that has room again relieves nobody while too much waits', () => {
    pipeline.noRoom()
    for (let turn = 0; turn < 17; turn++) {
      put(1, Buffer.alloc(1024 * 1024))
      pipeline.seal()
    }
    pipeline.roomFound()
    expect([pipeline.isCongested, events]).toEqual([true, []])
  })
})

it('congestion begins above 16 MB and ends below half of it', () => {
  for (let turn = 0; turn < 17; turn++) {
    put(1, Buffer.alloc(1024 * 1024))
    pipeline.seal()
  }
  expect(pipeline.isCongested).toBe(true)
  for (let turn = 0; turn < 4; turn++) finish()
  expect(events).not.toContain('relieved')
  finish()
  expect([pipeline.isCongested, events.at(-1)]).toEqual([false, 'relieved'])
})
