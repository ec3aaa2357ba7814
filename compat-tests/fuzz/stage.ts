// Where programs are performed: one broker, and connections kept from one program to the next, since opening
// them costs more than most programs. Called by play.ts. Invariant: what a program leaves behind (channels,
// exclusive queues, names) is gone, or unreachable under the next program's names.

import { Management } from './management.ts'
import type { BrokerPlace } from './management.ts'
import { entryKind, Peer } from './peer.ts'
import type { Address, Entry } from './peer.ts'
import { limitedConnection, namesIn } from './program.ts'
import type { ManageStep, Program } from './program.ts'

const boundMs = 10_000

/** The connections of one program at a time, by number. */
export class Seat {
  readonly peers: (Peer | null)[] = []
  /** Queues that only their connection may delete: its number and the name. */
  readonly exclusives: [connection: number, queue: string][] = []
  /** What the management API answered since somebody took it. */
  answered: Entry[] = []
  private readonly address: Address
  private readonly management: Management

  /** Seats of one number, on two brokers, have users of one name, so that texts are alike. */
  constructor(place: BrokerPlace, number = 0) {
    this.address = addressOf(place.url)
    this.management = new Management(place, `fuzz-user-${number}`)
  }

  async peer(connection: number): Promise<Peer> {
    const found = this.peers[connection] ?? null
    if (found !== null && !found.isGone) return found
    if (connection !== limitedConnection) return this.peers[connection] = await Peer.open(this.address)
    await this.management.makeUser()
    const { user, password } = this.management
    return this.peers[connection] = await Peer.open({ ...this.address, user, password })
  }

  /** RabbitMQ's channels keep what they were permitted (ledger `permission-cache`): the user gets new. */
  async manage(step: ManageStep): Promise<void> {
    const status = await this.management.request(step)
    this.answered.push({ channel: 0, kind: entryKind.http, payload: Buffer.from(String(status)) })
    const peer = this.peers[limitedConnection]
    if (step.path.includes('permissions') && peer !== null && peer !== undefined && !peer.isGone) {
      await this.closeChannels([peer])
    }
  }

  living(): Peer[] {
    return this.peers.filter((peer) => peer !== null && peer !== undefined && !peer.isGone) as Peer[]
  }

  async tidy(program: Program, prefix: string): Promise<void> {
    await this.closeChannels(this.living())
    const names = namesIn(program.steps).map((name) => name.replace('%', prefix))
    for (const [connection, queue] of this.exclusives) {
      const peer = this.peers[connection]
      if (peer !== undefined && peer !== null && !peer.isGone) await this.remove(peer, [queue])
    }
    this.exclusives.length = 0
    await this.remove(await this.peer(0), names)
    const isManaged = program.steps.some((step) => 'manage' in step)
    if (isManaged) {
      await this.management.reset(namesIn(program.steps, 'po').map((name) => name.replace('%', prefix)))
    }
    this.answered = []
    for (const peer of this.living()) {
      peer.heard = []
      peer.replyName = null
    }
  }

  end(): void {
    for (const peer of this.living()) peer.destroy()
  }

  private async closeChannels(peers: readonly Peer[]): Promise<void> {
    await Promise.all(peers.map(async (peer) => {
      for (const channel of peer.openChannels()) peer.send(channel, 'channel.close', { 'reply-code': 200 })
      const isClean = await peer.until(() => peer.channels.size === 0, boundMs)
      if (!isClean) peer.destroy()
    }))
  }

  private async remove(peer: Peer, names: readonly string[]): Promise<void> {
    peer.heard = []
    await peer.openChannel(1, boundMs)
    for (const name of names) {
      const isQueue = !/e\d+$/.test(name)
      if (isQueue) peer.send(1, 'queue.delete', { queue: name, nowait: true })
      else peer.send(1, 'exchange.delete', { exchange: name, nowait: true })
    }
    peer.send(1, 'channel.close', { 'reply-code': 200 })
    const isClean = await peer.until(() => peer.channels.size === 0 || peer.isGone, boundMs)
    // More than the close-ok: the broker closed the channel itself, and more may be on its way.
    if (!isClean || peer.heard.length !== 1) peer.destroy()
  }
}

export function addressOf(url: string): Address {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname, port: Number(port === '' ? 5672 : port),
    user: username === '' ? 'guest' : decodeURIComponent(username),
    password: password === '' ? 'guest' : decodeURIComponent(password),
    vhost: pathname.length < 2 ? '/' : decodeURIComponent(pathname.slice(1)),
  }
}
