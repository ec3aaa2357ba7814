// Are the ports free? Asked before anything on disk is touched, so that a start which must fail leaves
// nothing behind; the doors themselves open last, when there is something to serve.
import { createServer } from 'node:net'

/**
 * Port 0 is always free. Errors: the operating system's, as listening itself would give (EADDRINUSE, EACCES).
 */
export async function checkPortsFree(host: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (port !== 0) await checkPortFree(host, port)
  }
}

function checkPortFree(host: string, port: number): Promise<void> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => server.close(() => resolve()))
  })
}
