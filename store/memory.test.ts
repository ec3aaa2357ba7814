// MemoryEngine against the contract, and that it runs on the scheduler it is given.

import { expect, it } from 'vitest'
import { type EngineUnderTest, messageOf } from './engine-under-test.contract.ts'
import { levelsContract } from './levels.contract.ts'
import { loadingContract } from './loading.contract.ts'
import { messageQueryContract } from './message-query.contract.ts'
import { MemoryEngine } from './memory.ts'
import { isHeld } from './store.ts'
import { storeContract } from './store.contract.ts'

async function makeEngine(): Promise<EngineUnderTest> {
  const engine = new MemoryEngine()
  await engine.open()
  return {
    engine,
    restart: async () => {
      await engine.close()
      await engine.open()
    },
    dispose: () => engine.close(),
  }
}

storeContract('MemoryEngine', makeEngine)
loadingContract('MemoryEngine', makeEngine)
levelsContract('MemoryEngine', makeEngine)
messageQueryContract('MemoryEngine', makeEngine)

it('reports nothing before the scheduler it was given runs', async () => {
  const tasks: (() => void)[] = []
  const engine = new MemoryEngine({ later: (task) => tasks.push(task) })
  const store = await engine.acquire('/')
  if (isHeld(store)) throw new Error('held')
  const reported: number[] = []
  store.onDurable = (batch) => reported.push(batch)
  store.put(1, 1, messageOf())
  store.seal()
  await new Promise((resolve) => setImmediate(resolve))
  expect(reported).toEqual([])
  tasks.shift()?.()
  expect(reported).toEqual([1])
})
