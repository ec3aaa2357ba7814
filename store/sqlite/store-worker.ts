// The worker that the store thread runs in. It takes some 80 ms to be there, as long as the program takes to
// load, so cli/main.ts has one made ready before it loads the rest; without that it is made when the engine
// opens.
import { Worker } from 'node:worker_threads'

/** Node 20 cannot load a worker from TypeScript: from sources, as under vitest, the built file is used. */
const script = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/store/sqlite/thread.js' : './thread.js',
  import.meta.url,
)

let prepared: Worker | null = null

/** Makes a worker ready for the next engine. It does not keep the process alive. */
export function prepareStoreWorker(): void {
  prepared ??= spawn()
  prepared.unref()
}

export function takeStoreWorker(): Worker {
  const worker = prepared ?? spawn()
  prepared = null
  worker.ref()
  return worker
}

/** No engine is going to need it. */
export async function dismissStoreWorker(): Promise<void> {
  const worker = prepared
  prepared = null
  await worker?.terminate()
}

/** Without the process's own flags: loaders, and `--input-type` under `node -e`, are not meant for it. */
function spawn(): Worker {
  return new Worker(script, { name: 'leveret-store', execArgv: [] })
}
