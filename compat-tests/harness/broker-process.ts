// What the harness needs of a broker it can reach: a URL, a stop, and a restart where the broker is its own.
// Implemented by leveret-process.ts, rabbit-node.ts and the two brokers that are not ours (find-
// reference.ts).

export interface BrokerProcess {
  readonly url: string
  /** Of the management API, without `/api`; null where it is not known. */
  readonly httpUrl: string | null
  readonly version: string
  /** Null where the broker is not ours to stop. */
  readonly restart: ((signal: RestartSignal) => Promise<void>) | null
  /** Turns its memory and its disk alarm on or off; null where the broker is not ours to disturb. */
  readonly setAlarms: ((alarms: AlarmsOn) => Promise<void>) | null
  stop(): Promise<void>
}

export interface AlarmsOn {
  readonly memory: boolean
  readonly disk: boolean
}

/** SIGTERM is an orderly stop, SIGKILL a crash. */
export type RestartSignal = 'SIGTERM' | 'SIGKILL'
