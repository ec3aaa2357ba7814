// What the harness needs of a broker it can reach: a URL, a stop, and a restart where the broker is its own.
// Implemented by leveret-process.ts, rabbit-node.ts and the two brokers that are not ours (find-
// reference.ts).

/** How RabbitMQ's command line tools are called for a broker: `[...prefix, folder + tool, ...words]`. */
export interface Tools {
  readonly prefix: readonly string[]
  readonly folder: string
  /** A root folder with Debian's own tools, to chroot into; null where there is none. */
  readonly root: string | null
}

export interface BrokerProcess {
  readonly url: string
  /** Of the management API, without `/api`; null where it is not known. */
  readonly httpUrl: string | null
  readonly version: string
  /** Null where they are not at hand. */
  readonly tools: Tools | null
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
