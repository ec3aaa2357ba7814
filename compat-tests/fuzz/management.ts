// The management API of one broker, for what a program does over it, and the user that a seat's connection 3
// logs in as. Called by stage.ts. Invariant: after `reset` the user may do nothing, and no policy of the
// program is left.

import type { ManageStep } from './program.ts'

const password = 'fuzz'

export interface BrokerPlace {
  readonly url: string
  /** Null where there is none: programs that need one fail. */
  readonly httpUrl: string | null
}

export class Management {
  readonly user: string
  readonly password = password
  private readonly place: BrokerPlace
  private isUserThere = false

  constructor(place: BrokerPlace, user: string) {
    this.place = place
    this.user = user
  }

  /** The status that the request was answered with. */
  async request({ manage, path, body }: ManageStep): Promise<number> {
    const { url, httpUrl } = this.place
    if (httpUrl === null) throw new Error(`no management API is known of ${url}`)
    const { username, password: secret, pathname } = new URL(url)
    const login = `${username === '' ? 'guest' : username}:${secret === '' ? 'guest' : secret}`
    const vhost = pathname.length < 2 ? '%2F' : pathname.slice(1)
    const target = path.replace('{vhost}', () => vhost).replace('{user}', this.user)
    const response = await fetch(`${httpUrl}/api${target}`, {
      method: manage,
      headers: {
        'authorization': `Basic ${Buffer.from(login).toString('base64')}`,
        'content-type': 'application/json',
        // A connection that was kept may be closed by the broker just now.
        'connection': 'close',
      },
      ...body !== undefined && { body: JSON.stringify(body) },
    })
    await response.arrayBuffer()
    return response.status
  }

  async makeUser(): Promise<void> {
    if (this.isUserThere) return
    this.isUserThere = true
    await this.request({ manage: 'PUT', path: '/users/{user}', body: { password, tags: '' } })
    await this.forbid()
  }

  async reset(policies: readonly string[]): Promise<void> {
    for (const name of policies) {
      const kind = /o\d+$/.test(name) ? 'operator-policies' : 'policies'
      await this.request({ manage: 'DELETE', path: `/${kind}/{vhost}/${name}` })
    }
    if (!this.isUserThere) return
    await this.request({ manage: 'DELETE', path: '/topic-permissions/{vhost}/{user}' })
    await this.forbid()
  }

  private async forbid(): Promise<void> {
    const body = { configure: '', write: '', read: '' }
    const status = await this.request({ manage: 'PUT', path: '/permissions/{vhost}/{user}', body })
    if (status >= 300) throw new Error(`permissions of ${this.user} answered ${status}`)
  }
}
