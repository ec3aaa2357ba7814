// Which requests a test made of the management API, for the page of compared endpoints. management.ts notes
// them, for-each-target.ts collects those of its test. Invariant: tests that run at the same time do not mix.
import { AsyncLocalStorage } from 'node:async_hooks'

const asked = new AsyncLocalStorage<Set<string>>()

/** `path` begins after `/api`, percent-encoded; its query does not count. */
export function noteRequest(method: string, path: string): void {
  asked.getStore()?.add(`${method} ${path.split('?', 1)[0]}`)
}

/** What `run` asks for goes into `requests`. */
export function collectRequests<T>(requests: Set<string>, run: () => Promise<T>): Promise<T> {
  return asked.run(requests, run)
}
