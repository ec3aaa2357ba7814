// One life of the broker as a process: start, say so, stop when told. Called by run.ts.
//
//   starting ──started──▶ running ──signal──▶ stopping ──closed──▶ exit 0
//      │ └──────signal: waits for the start, then ──▲   │ └─5 s──▶ exit 1
//      └──failed──▶ one line on stderr, exit 69–73      └─signal─▶ exit 128 + its number
//
// Invariant: every way out goes through surroundings.exit, once the reason is on stderr.

import type { Settings } from '../broker/config.ts'
import { createLogger } from '../runtime/log.ts'
import type { Logger } from '../runtime/log.ts'
import { exitCodes } from './exit-codes.ts'
import { describeFailure } from './failures.ts'
import { startUpBlock } from './start-up-block.ts'
import type { RunningServer, StartServer, StopSignal, Surroundings } from './surroundings.ts'

const STOP_MS_MAX = 5000

/** POSIX shells report a process that died of a signal as 128 and the signal's number. */
const diedOf: Readonly<Record<StopSignal, number>> = { SIGINT: 128 + 2, SIGTERM: 128 + 15 }

export async function start(settings: Settings, surroundings: Surroundings, startServer: StartServer,
): Promise<void> {
  const log = createLogger(settings.logLevel)
  surroundings.onUncaught((err) => {
    if (err instanceof Error && err.name === 'StoreFailed') {
      surroundings.complain(`leveret: ${err.message}`)
      return surroundings.exit(exitCodes.dataDirectory.code)
    }
    log.fatal({ err }, 'uncaught exception: the broker ends')
    surroundings.exit(exitCodes.internal.code)
  })
  const starting = startServer(settings, log)
  const isStopping = stopOnSignals(starting, log, surroundings)
  try {
    const server = await starting
    if (!isStopping()) surroundings.print(startUpBlock(settings, server, surroundings.nowMs()))
  } catch (error) {
    const failure = describeFailure(error, settings)
    if (failure.exit === 'internal') log.fatal({ err: error }, 'could not start')
    surroundings.complain(`leveret: ${failure.line}`)
    surroundings.exit(exitCodes[failure.exit].code)
  }
}

/** Returns whether a signal has come. */
function stopOnSignals(starting: Promise<RunningServer>, log: Logger, surroundings: Surroundings,
): () => boolean {
  let isStopping = false
  surroundings.onSignal((signal) => {
    if (isStopping) {
      surroundings.complain(`leveret: ${signal} again: ending at once`)
      surroundings.exit(diedOf[signal])
      return
    }
    isStopping = true
    log.info({ signal }, 'stopping')
    setTimeout(() => {
      surroundings.complain(`leveret: not stopped ${STOP_MS_MAX / 1000} seconds after ${signal}: ending`)
      surroundings.exit(exitCodes.slowStop.code)
    }, STOP_MS_MAX).unref()
    // A start that fails is reported by `start`; only what fails while closing is reported here.
    starting.then((server) => close(server, log, surroundings), () => undefined)
  })
  return () => isStopping
}

async function close(server: RunningServer, log: Logger, surroundings: Surroundings): Promise<void> {
  try {
    await server.close('shutdown')
    surroundings.exit(exitCodes.ok.code)
  } catch (err) {
    log.fatal({ err }, 'could not stop in good order')
    surroundings.exit(exitCodes.internal.code)
  }
}
