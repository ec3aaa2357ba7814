// What one test works with: connections and channels to one broker, names nobody else uses, and a clean-up
// after it. Made by for-each-target.ts per test. Invariant: when a test ends, its connections are closed and
// every queue and exchange it named is deleted, whatever happened in between.

import { connect } from 'amqplib'
import type { Channel, ChannelModel, ConfirmChannel, Options } from 'amqplib'
import { differences } from '../differences.ts'
import type { DifferenceId } from '../differences.ts'
import type { OlderDifferenceId } from '../older/table.ts'
import { consultOlder } from './as-listed.ts'
import { until } from './poll.ts'
import { RawClient } from './raw-client.ts'
import type { HandshakeOptions } from './raw-client.ts'
import type { Target } from './target.ts'

export type ConnectOptions = Options.Connect & { clientProperties?: Record<string, unknown> }

export type QueueKind = 'classic' | 'quorum'

/** The ids of both ledgers that a test asks about, for its report. */
export interface Consulted {
  readonly differences: string[]
  readonly older: string[]
}

let sessions = 0

export class Session {
  readonly target: Target
  /** What `assertQueue` of this session's channels declares, unless the test says a type. */
  queueKind: QueueKind = 'classic'
  private readonly prefix: string
  private readonly names: string[] = []
  private readonly connections: ChannelModel[] = []
  private readonly raws: RawClient[] = []
  private readonly consulted: Consulted
  private shared: Promise<ChannelModel> | null = null

  constructor(target: Target, runId: string, consulted: Consulted) {
    this.target = target
    this.prefix = `compat.${runId}.${process.pid}.${++sessions}`
    this.consulted = consulted
  }

  /** A name for a queue or an exchange: new, and deleted after the test. */
  readonly name = (word = 'it'): string => {
    const name = `${this.prefix}.${this.names.length}.${word}`
    this.names.push(name)
    return name
  }

  readonly connect = async (options: ConnectOptions = {}): Promise<ChannelModel> => {
    const { hostname, port } = new URL(this.target.url)
    const { clientProperties, ...rest } = options
    const connection = await connect({
      hostname, port: Number(port === '' ? 5672 : port), username: this.target.user,
        password: this.target.password,
      vhost: encodeURIComponent(this.target.vhost), heartbeat: 0, ...rest,
    }, {
      noDelay: true, ...clientProperties && { clientProperties },
        ...rest.credentials && { credentials: rest.credentials },
    })
    // A closure is reported to whoever awaits it (closure.ts); without a listener node would end the process.
    connection.on('error', () => undefined)
    this.connections.push(connection)
    return connection
  }

  /** A new channel, on the test's shared connection if none is given. */
  readonly channel = async (connection?: ChannelModel): Promise<Channel> => {
    return this.prepared(await (connection ?? await this.sharedConnection()).createChannel())
  }

  readonly confirmChannel = async (connection?: ChannelModel): Promise<ConfirmChannel> => {
    return this.prepared(await (connection ?? await this.sharedConnection()).createConfirmChannel())
  }

  /** A raw connection, opened, with channel 1 open. */
  readonly raw = async (options?: HandshakeOptions): Promise<RawClient> => {
    const client = await RawClient.open(this.target, options)
    this.raws.push(client)
    await client.call(1, 'channel.open')
    return client
  }

  /** A raw socket on which nothing was said yet. */
  readonly dial = async (): Promise<RawClient> => {
    const client = await RawClient.dial(this.target)
    this.raws.push(client)
    return client
  }

  /** Whether this broker deviates from RabbitMQ as the ledger says under that id. */
  readonly differs = (id: DifferenceId): boolean => {
    if (!this.target.isLeveret) return false
    this.consulted.differences.push(differences[id].id)
    return true
  }

  /** Whether this broker is an older RabbitMQ, of which the table of versions says that under that id. */
  readonly older = (id: OlderDifferenceId): boolean => {
    return consultOlder(this.target, this.consulted.older, id)
  }

  /** The connection `channel()` uses by default. */
  readonly sharedConnection = (): Promise<ChannelModel> => {
    this.shared ??= this.connect()
    return this.shared
  }

  private prepared<T extends Channel>(channel: T): T {
    channel.on('error', () => undefined)
    if (this.queueKind === 'classic') return channel
    const declare = channel.assertQueue.bind(channel)
    const type = { 'x-queue-type': this.queueKind }
    channel.assertQueue = (queue, options) =>
      declare(queue, { ...options, arguments: { ...type, ...options?.arguments as object } })
    return channel
  }

  async end(): Promise<void> {
    await Promise.all(this.raws.map((raw) => raw.end()))
    await Promise.all(this.connections.map(async (connection) => {
      try {
        await connection.close()
      } catch (error) {
        // The test had it closed already; anything else is a failure.
        if ((error as Error).name !== 'IllegalOperationError') throw error
      }
    }))
    if (this.names.length > 0) await this.deleteNames()
  }

  private async deleteNames(): Promise<void> {
    this.connections.length = 0
    const connection = await this.connect()
    for (const name of this.names) await this.deleteName(connection, name)
    await connection.close()
  }

  private async deleteName(connection: ChannelModel, name: string): Promise<void> {
    await until(`the test's queue or exchange ${name} is deleted`, async () => {
      const channel = await this.channel(connection)
      try {
        await Promise.all([channel.deleteQueue(name), channel.deleteExchange(name)])
        await channel.close()
        return true
      } catch (error) {
        // A dropped connection's exclusive queue stays locked until the broker has noticed the drop.
        if ((error as { code?: number }).code === 405) return false
        throw error
      }
    })
  }
}
