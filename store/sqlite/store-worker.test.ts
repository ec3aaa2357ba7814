import { describe, expect, it } from 'vitest'
import { dismissStoreWorker, prepareStoreWorker, takeStoreWorker } from './store-worker.ts'

describe('a store worker', () => {
  it('that was prepared is the one that is taken, once', async () => {
    prepareStoreWorker()
    prepareStoreWorker()
    const [first, second] = [takeStoreWorker(), takeStoreWorker()]
    expect(second).not.toBe(first)
    expect(new Set([first.threadId, second.threadId]).size).toBe(2)
    await Promise.all([first.terminate(), second.terminate()])
  })

  it('that was dismissed is not taken', async () => {
    prepareStoreWorker()
    await dismissStoreWorker()
    const worker = takeStoreWorker()
    expect(worker.threadId).toBeGreaterThan(0)
    await worker.terminate()
  })
})
