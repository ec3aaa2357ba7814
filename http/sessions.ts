// Every session there is over HTTP, and who may have one. One per application; endpoints that consume are
// given it. A user's polls in a vhost share a session, which stays for a while after the last of them: a
// worker that polls, settles and polls again is one connection to whoever watches, not a thousand.
import type { Timer } from '../base/timer-wheel.ts'
import type { Broker } from '../broker/broker.ts'
import type { User } from '../broker/users.ts'
import type { VHost } from '../broker/vhost.ts'
import { Leases } from './leases.ts'
import { Session } from './session.ts'
import type { Ends } from './session.ts'

const LINGER_MS = 10_000

export class Sessions {
  readonly leases: Leases
  private readonly broker: Broker
  /** Of polls, by user and vhost. */
  private readonly shared = new Map<string, Session>()
  private readonly lingering = new Map<Session, Timer>()

  constructor(broker: Broker) {
    this.broker = broker
    this.leases = new Leases(broker)
  }

  /** The one that the user's polls share. Errors: not-allowed, when there may be no connection more. */
  ofPolls(vhost: VHost, user: User, client: Ends): Session {
    const key = JSON.stringify([user.name, vhost.name])
    let session = this.shared.get(key)
    if (session === undefined || session.vhost !== vhost) {
      session = openSession(this.broker, vhost, user, client, (changed) => {
        if (!changed.isOpen && this.shared.get(key) === changed) this.shared.delete(key)
        this.linger(changed)
      })
      this.shared.set(key, session)
    }
    return session
  }

  /** One of its own, for a stream, which ends it. Errors: not-allowed. */
  ofStream(vhost: VHost, user: User, client: Ends): Session {
    return openSession(this.broker, vhost, user, client)
  }

  /** Ends it when it stays idle; whatever happens to it before is asked about when the time is over. */
  private linger(session: Session): void {
    const running = this.lingering.get(session)
    if (!session.isOpen) {
      if (running !== undefined) this.broker.timers.clear(running)
      this.lingering.delete(session)
      return
    }
    if (!session.isIdle || running !== undefined) return
    const timer: Timer = {
      dueMs: 0,
      fire: () => {
        this.lingering.delete(session)
        if (session.isIdle) session.end('idle')
      },
    }
    this.lingering.set(session, timer)
    this.broker.timers.set(timer, this.broker.clock.monotonicMs + LINGER_MS)
  }
}

/** Errors: not-allowed, when there may be no connection more. */
export function openSession(
  broker: Broker, vhost: VHost, user: User, ends: Ends, changed: (session: Session) => void = ignore,
): Session {
  broker.enterVHost(vhost.name, user)
  const session = new Session(broker, vhost, user, ends, changed)
  try {
    broker.checkConnectionMax()
  } catch (error) {
    session.end('refused')
    throw error
  }
  return session
}

const ignore = (): void => {}
