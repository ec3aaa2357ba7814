// What tests of connections stand on: a client whose socket the test holds in its hand, on a broker from
// BrokerWorld. The client reads when it is told to; what the broker has written until then waits, as it would
// in a kernel's buffer.
import type { Broker } from '../broker/broker.ts'
import { RawClient } from '../test/amqp/raw-client.ts'
import type { Content } from '../test/amqp/raw-client.ts'
import type { Method, Values } from '../test/amqp/client-codec.ts'
import { Connection } from './connection.ts'
import type { Peer, Transport } from './transport.ts'

const ROUNDS = 12

export interface Heard {
  readonly channel: number
  readonly name: string
  readonly args: Values
  readonly content: Content | null
}

export class TestClient implements Transport {
  readonly peer: Peer = { address: '127.0.0.1', port: 50_000, isLoopback: true, certificateName: null }
  readonly local = { address: '127.0.0.1', port: 5672 }
  readonly raw: RawClient
  readonly connection: Connection
  /** What no call waited for. */
  readonly heard: Heard[] = []
  bufferedBytes = 0
  isPaused = false
  isClosed = false
  /** The client does not read. */
  isStalled = false
  private arrived: Buffer[] = []

  constructor(broker: Broker) {
    this.connection = new Connection(this, broker)
    this.raw = new RawClient(
      (bytes) => this.connection.onData(Buffer.from(bytes)),
      (channel, { name, args }, content) => this.heard.push({ channel, name, args, content }))
  }

  /** Logged in, with channel 1 open. */
  static async open(broker: Broker, frameSizeMax = 131_072, heartbeatS = 0): Promise<TestClient> {
    const client = new TestClient(broker)
    let isOpen = false
    const login = { user: 'guest', password: 'secret', vhost: '/', heartbeatS, frameSizeMax }
    client.raw.open(login, () => { isOpen = true })
    await client.settle()
    if (!isOpen) throw new Error('the handshake did not end')
    await client.call(1, 'channel.open')
    return client
  }

  write(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      this.arrived.push(Buffer.from(piece))
      this.bufferedBytes += piece.length
    }
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.read()
    this.destroy()
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.connection.onClosed()
  }

  /** Takes in what has arrived; the broker hears that there is room again. */
  read(): void {
    if (this.arrived.length === 0) return
    this.bufferedBytes = 0
    for (const piece of this.arrived.splice(0)) this.raw.receive(piece)
    this.connection.onDrain()
  }

  /** Lets broker and client work until both have had their say. */
  async settle(): Promise<void> {
    for (let n = 0; n < ROUNDS; n++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (!this.isStalled) this.read()
    }
  }

  async call(channel: number, name: string, args: Values = {}): Promise<Heard> {
    const answers: Heard[] = []
    this.raw.call(channel, name, args, (method: Method, content) =>
      answers.push({ channel, name: method.name, args: method.args, content }))
    await this.settle()
    const [answer] = answers
    if (answer === undefined) throw new Error(`${name} was not answered; heard ${this.names().join(' ')}`)
    return answer
  }

  publish(
    routingKey: string, body: Buffer | string = 'body', properties: Values = {}, args: Values = {},
  ): void {
    this.raw.publish(1, { routingKey, ...args }, properties, Buffer.from(body))
  }

  names(): string[] {
    return this.heard.map(({ name }) => name)
  }

  /** The text of the one close that was heard, with its code. */
  closeText(): string {
    const closes = this.heard.filter(({ name }) => name.endsWith('.close'))
    return closes.map(({ name, args: { replyCode, replyText } }) =>
      `${name} ${String(replyCode)} ${String(replyText)}`).join()
  }
}
