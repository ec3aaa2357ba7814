// A connection that does nothing wrong, beside one that does: it publishes to a queue of its own and gets the
// message back. Called by in-process.ts after every case.

import { Connection } from '../../connections/connection.ts'
import { encodeFrame, encodeHeader, encodeMethod, encodeProperties } from '../harness/wire.ts'
import { FuzzTransport } from './fuzz-world.ts'
import type { FuzzWorld } from './fuzz-world.ts'

const queue = 'bystander'
const setUp = Buffer.concat([
  encodeFrame(1, 1, encodeMethod('channel.open')),
  encodeFrame(1, 1, encodeMethod('queue.declare', { queue, exclusive: true })),
])
const body = Buffer.from('still here')
const roundTrip = Buffer.concat([
  encodeFrame(1, 1, encodeMethod('basic.publish', { 'routing-key': queue })),
  encodeFrame(2, 1, encodeHeader(body.length, encodeProperties())),
  encodeFrame(3, 1, body),
  encodeFrame(1, 1, encodeMethod('basic.get', { queue, 'no-ack': true })),
])

export class Probe {
  private readonly transport = new FuzzTransport()
  private readonly connection: Connection
  private readonly world: FuzzWorld

  constructor(world: FuzzWorld, handshake: Buffer) {
    this.world = world
    this.connection = new Connection(this.transport, world.broker)
    this.connection.onData(Buffer.concat([handshake, setUp]))
    world.settle()
  }

  isWell(): boolean {
    this.transport.written.length = 0
    this.connection.onData(roundTrip)
    this.world.settle()
    return Buffer.concat(this.transport.written).includes(body)
  }
}
