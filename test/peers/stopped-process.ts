// A client in a process of its own, to be stopped by SIGSTOP: connects to the port that it is given, consumes
// from queue q with heartbeats, acks nothing, and says each delivery on stdout. Started by peers.test.ts.
import { Peer } from './peer.ts'

const [port = '', heartbeatS = ''] = process.argv.slice(2)
const peer = await Peer.open(Number(port), Number(heartbeatS))
peer.onHeard = ({ name }) => process.stdout.write(`${name}\n`)
await peer.call('queue.declare', { queue: 'q', durable: true })
await peer.call('basic.consume', { queue: 'q' })
