// A vhost and a user of one test: made over the management API, deleted after it, whatever happened in
// between. The administrator may do everything in it, the user what the test permits.
import type { Channel, ChannelModel } from 'amqplib'
import { Management } from './management.ts'
import { rawClosure } from './closure.ts'
import type { Closure } from './closure.ts'
import type { RawClient } from './raw-client.ts'
import type { Session } from './session.ts'

export interface Permission {
  readonly configure: string
  readonly write: string
  readonly read: string
}

export const everything: Permission = { configure: '.*', write: '.*', read: '.*' }
export const nothing: Permission = { configure: '', write: '', read: '' }

export class Realm {
  readonly session: Session
  readonly api: Management
  readonly vhost: string
  readonly user: string
  readonly password = 'pass:word'
  private readonly connections: ChannelModel[] = []

  private constructor(session: Session) {
    this.session = session
    this.api = new Management(session.target)
    this.vhost = session.name('v')
    this.user = session.name('u')
  }

  static async use(session: Session, run: (realm: Realm) => Promise<void>): Promise<void> {
    const realm = new Realm(session)
    try {
      await realm.put(`/vhosts/${realm.vhost}`, {})
      await realm.put(`/users/${realm.user}`, { password: realm.password, tags: '' })
      await run(realm)
    } finally {
      await realm.leave()
      await realm.api.delete(`/users/${realm.user}`)
      await realm.api.delete(`/vhosts/${realm.vhost}`)
    }
  }

  /** Closes the connections that the test made in it. */
  async leave(): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close().catch(() => undefined)))
  }

  /** Of the user in the vhost. */
  permit(permission: Permission): Promise<void> {
    return this.put(`/permissions/${this.vhost}/${this.user}`, permission)
  }

  policy(name: string, definition: object, more: object = {}): Promise<void> {
    return this.put(`/policies/${this.vhost}/${name}`, { pattern: '.*', definition, ...more })
  }

  operatorPolicy(name: string, definition: object, more: object = {}): Promise<void> {
    return this.put(`/operator-policies/${this.vhost}/${name}`, { pattern: '.*', definition, ...more })
  }

  /** Fails unless it is done. */
  async put(path: string, body: object): Promise<void> {
    // RabbitMQ wants the type for limits, and for nothing else.
    const headers = { 'content-type': 'application/json' }
    const { status, text } = await this.api.call('PUT', path, { body, headers })
    if (status !== 201 && status !== 204) throw new Error(`PUT ${path} answered ${status}: ${text}`)
  }

  /** As the user of the realm, or as the administrator. */
  async connect(as: 'user' | 'administrator' = 'user'): Promise<ChannelModel> {
    const { target } = this.session
    const [username, password] = as === 'user' ? [this.user, this.password] : [target.user, target.password]
    const connection = await this.session.connect({
      username, password, vhost: encodeURIComponent(this.vhost),
    })
    this.connections.push(connection)
    return connection
  }

  /** How connection.open is refused; amqplib does not tell. */
  async refusal(as: 'user' | 'administrator' = 'user'): Promise<Closure> {
    return rawClosure(await this.opening(as), 'connection')
  }

  /** How a connection of the user is closed by what the test does; amqplib does not tell a 320. */
  async closure(action: () => Promise<unknown>): Promise<Closure> {
    const client = await this.opening('user')
    await client.expect('connection.open-ok')
    await action()
    return rawClosure(client, 'connection')
  }

  /** Up to connection.open, which is not answered yet. */
  private async opening(as: 'user' | 'administrator'): Promise<RawClient> {
    const { target, dial } = this.session
    const [user, password] = as === 'user' ? [this.user, this.password] : [target.user, target.password]
    const client = await dial()
    await client.login({ ...target, user, password })
    client.tuneOk()
    client.send(0, 'connection.open', { 'virtual-host': this.vhost })
    return client
  }

  async channel(as: 'user' | 'administrator' = 'user'): Promise<Channel> {
    return this.session.channel(await this.connect(as))
  }
}
