import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkPortsFree } from './ports.ts'

describe('ports', () => {
  const taken = createServer()
  let port = 0

  beforeEach(async () => {
    await new Promise<void>((resolve) => taken.listen({ host: '127.0.0.1', port: 0 }, resolve))
    port = (taken.address() as AddressInfo).port
  })
  afterEach(() => new Promise((resolve) => taken.close(resolve)))

  it('that somebody listens on are refused with the system\'s own error', async () => {
    await expect(checkPortsFree('127.0.0.1', [0, port])).rejects.toMatchObject({ code: 'EADDRINUSE', port })
  })

  it('that are free can be listened on afterwards', async () => {
    const { port: freed } = await new Promise<AddressInfo>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address() as AddressInfo
        server.close(() => resolve(address))
      })
    })
    await checkPortsFree('127.0.0.1', [freed])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: freed }, resolve))
    await new Promise((resolve) => server.close(resolve))
    expect(freed).toBeGreaterThan(0)
  })
})
