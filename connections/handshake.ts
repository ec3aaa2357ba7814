// From the protocol header to connection.open-ok: who is it, what are the limits, which vhost. A client that
// breaks the order here, or whose login fails without it being able to read why, hears nothing and is dropped
// after 3 s (RabbitMQ); a bad tune-ok gets a connection.close that says so, where RabbitMQ is silent.
//
//   header → start … start-ok → tune … tune-ok … open → open-ok
import type { Broker } from '../broker/broker.ts'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import { accessRefused, notAllowed } from '../protocol/errors.ts'
import type { ArgumentReader } from '../protocol/argument-reader.ts'
import type { FrameWriter } from '../protocol/frame-writer.ts'
import {
  CONNECTION_OPEN, CONNECTION_START_OK, CONNECTION_TUNE_OK, decodeConnectionOpen, decodeConnectionStartOk,
  decodeConnectionTuneOk, writeConnectionOpenOk, writeConnectionStart, writeConnectionTune,
} from '../protocol/methods.gen.ts'
import type { ConnectionTuneOk } from '../protocol/methods.gen.ts'
import { FRAME_SIZE_MIN } from '../protocol/spec.ts'
import { encodeTable, tableOf } from '../protocol/table-encode.ts'
import { TableMalformed, decodeTable } from '../protocol/table.ts'
import type { FieldTable } from '../protocol/table.ts'
import type { Peer } from './transport.ts'

export const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1')
/** 0-9 without the -1: RabbitMQ takes it for the same. */
const PROTOCOL_HEADER_0_9 = Buffer.from('AMQP\x01\x01\0\x09', 'latin1')
const MECHANISMS = 'AMQPLAIN PLAIN'
const EXTERNAL = 'EXTERNAL'

/** What the client said of itself. */
export interface ClientFacts {
  readonly name: string
  readonly mechanism: string
  /** As they came, encoded: seldom asked for, and a table of objects is ten times as large. */
  readonly properties: Buffer
  readonly consumerCancelNotify: boolean
  readonly authenticationFailureClose: boolean
  readonly blocked: boolean
}

export interface Tuning {
  readonly channelMax: number
  readonly frameSizeMax: number
  /** 0: no heartbeats. */
  readonly heartbeatS: number
}

export interface HandshakeListener {
  tuned(tuning: Tuning): void
  opened(user: User, vhost: VHost): void
}

/** The connection is to be dropped without a word, after RabbitMQ's three seconds. */
export class SilentClose extends Error {
  override name = 'SilentClose'
}

export function isProtocolHeader(bytes: Buffer): boolean {
  return bytes.equals(PROTOCOL_HEADER) || bytes.equals(PROTOCOL_HEADER_0_9)
}

export class Handshake {
  client: ClientFacts = {
    name: '', mechanism: '', properties: Buffer.alloc(0), consumerCancelNotify: false,
    authenticationFailureClose: false, blocked: false,
  }
  private readonly broker: Broker
  private readonly writer: FrameWriter
  private readonly peer: Peer
  private readonly listener: HandshakeListener
  private expected = CONNECTION_START_OK
  private user: User | null = null

  constructor(broker: Broker, writer: FrameWriter, peer: Peer, listener: HandshakeListener) {
    this.broker = broker
    this.writer = writer
    this.peer = peer
    this.listener = listener
  }

  start(): void {
    const mechanisms = this.peer.certificateName === null ? MECHANISMS : `${MECHANISMS} ${EXTERNAL}`
    writeConnectionStart(
      this.writer, 0, 0, 9, serverProperties(this.broker), Buffer.from(mechanisms), Buffer.from('en_US'))
  }

  /**
   * From here on the state is `opening` in RabbitMQ's texts: a wrong method is told so instead of silence.
   */
  get isTuned(): boolean {
    return this.expected === CONNECTION_OPEN
  }

  /** Errors: SilentClose; AmqpError for what the client is told. */
  onMethod(id: number, reader: ArgumentReader): void {
    if (id !== this.expected) throw new SilentClose(`method ${id.toString(16)} in the handshake`)
    if (id === CONNECTION_START_OK) this.onStartOk(reader)
    else if (id === CONNECTION_TUNE_OK) this.onTuneOk(decodeConnectionTuneOk(reader))
    else this.onOpen(reader)
  }

  private onStartOk(reader: ArgumentReader): void {
    const { clientProperties, mechanism, response } = decodeConnectionStartOk(reader)
    this.client = clientFacts(clientProperties, mechanism)
    const credentials = this.readCredentials(mechanism, response)
    if (credentials === null) {
      throw new SilentClose(`no credentials by mechanism ${JSON.stringify(mechanism)}`)
    }
    const { name, password } = credentials
    this.user = password === null
      ? this.broker.authenticateByCertificate(name, this.peer.isLoopback)
      : this.broker.authenticate(name, password, this.peer.isLoopback)
    this.broker.logins.note('amqp091', this.user !== null)
    if (this.user === null) {
      this.broker.log.warn({ user: name, method: mechanism }, 'login refused')
      if (!this.client.authenticationFailureClose) throw new SilentClose('login refused')
      throw accessRefused(`Login was refused using authentication mechanism ${mechanism}. `
        + 'For details see the broker logfile.')
    }
    const { channelMax, frameSizeMax, heartbeatS } = this.broker.limits
    writeConnectionTune(this.writer, 0, channelMax, frameSizeMax, heartbeatS)
    this.expected = CONNECTION_TUNE_OK
  }

  /** null: by this mechanism the client has said nothing that could be checked. */
  private readCredentials(mechanism: string, response: Buffer): Credentials | null {
    const { certificateName } = this.peer
    if (mechanism === 'PLAIN') return readPlain(response)
    if (mechanism === 'AMQPLAIN') return readAmqplain(response)
    if (mechanism !== EXTERNAL || certificateName === null) return null
    return { name: certificateName, password: null }
  }

  /** Zero is "no limit of mine": ours holds. Errors: not-allowed for a limit beyond ours or beyond reason. */
  private onTuneOk(tuneOk: ConnectionTuneOk): void {
    const { limits } = this.broker
    const frameSizeMax = tuneOk.frameMax === 0 ? limits.frameSizeMax : tuneOk.frameMax
    const channelMax = tuneOk.channelMax === 0 ? limits.channelMax : tuneOk.channelMax
    if (frameSizeMax > limits.frameSizeMax || frameSizeMax < FRAME_SIZE_MIN) {
      throw notAllowed(
        `frame_max ${frameSizeMax} is not between ${FRAME_SIZE_MIN} and ${limits.frameSizeMax}`)
    }
    if (limits.channelMax !== 0 && channelMax > limits.channelMax) {
      throw notAllowed(`channel_max ${channelMax} is more than ${limits.channelMax}`)
    }
    this.expected = CONNECTION_OPEN
    this.listener.tuned({ frameSizeMax, channelMax, heartbeatS: tuneOk.heartbeat })
  }

  private onOpen(reader: ArgumentReader): void {
    const { virtualHost } = decodeConnectionOpen(reader)
    this.broker.checkConnectionMax()
    const vhost = this.broker.enterVHost(virtualHost, this.user!)
    writeConnectionOpenOk(this.writer, 0, '')
    this.listener.opened(this.user!, vhost)
  }
}

/** Order and names as RabbitMQ's; under 4,096 bytes, which is all that the Go client reads before tune. */
function serverProperties(broker: Broker): FieldTable {
  const { identity } = broker
  return tableOf({
    capabilities: tableOf({
      publisher_confirms: true,
      exchange_exchange_bindings: true,
      'basic.nack': true,
      consumer_cancel_notify: true,
      'connection.blocked': true,
      consumer_priorities: true,
      authentication_failure_close: true,
      per_consumer_qos: true,
      direct_reply_to: true,
    }),
    cluster_name: broker.clusterName,
    copyright: 'Copyright (c) 2026 the Leveret authors',
    information: 'A message broker for Node teams',
    platform: identity.platform,
    product: identity.product,
    version: identity.version,
  })
}

function clientFacts(properties: FieldTable, mechanism: string): ClientFacts {
  const capabilities = properties.get('capabilities')
  const has = (name: string): boolean =>
    capabilities?.tag === 'F' && capabilities.value.get(name)?.value === true
  const name = properties.get('connection_name')
  return {
    name: name?.tag === 'S' ? name.value : '',
    mechanism,
    properties: encodeTable(properties),
    consumerCancelNotify: has('consumer_cancel_notify'),
    authenticationFailureClose: has('authentication_failure_close'),
    blocked: has('connection.blocked'),
  }
}

interface Credentials {
  readonly name: string
  /** null: the certificate is enough (EXTERNAL). */
  readonly password: Buffer | null
}

/** NUL user NUL password. */
function readPlain(response: Buffer): Credentials | null {
  const second = response.indexOf(0, 1)
  if (response[0] !== 0 || second < 0) return null
  return { name: response.toString('utf8', 1, second), password: response.subarray(second + 1) }
}

/** A field table without its length, with LOGIN and PASSWORD. */
function readAmqplain(response: Buffer): Credentials | null {
  const table = tryDecode(response)
  const login = table?.get('LOGIN')
  const password = table?.get('PASSWORD')
  if (login?.tag !== 'S' || password?.tag !== 'S') return null
  return { name: login.value, password: Buffer.from(password.value) }
}

/** What does not decode holds no credentials. */
function tryDecode(response: Buffer): FieldTable | null {
  try {
    return decodeTable(response, 0, response.length)
  } catch (error) {
    if (error instanceof TableMalformed) return null
    throw error
  }
}
