// What is garbage is gone after a collection.
import { expect, it } from 'vitest'
import { collectGarbage } from './idle-collection.ts'

function leave(): WeakRef<object> {
  return new WeakRef({ left: 'behind' })
}

it('collects what nobody refers to any more', async () => {
  const left = leave()
  // A WeakRef keeps what it was made of alive until its task is over.
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  collectGarbage()
  expect(left.deref()).toBeUndefined()
})
