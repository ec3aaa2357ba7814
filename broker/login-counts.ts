// How many logins there were, by the door that they came to and whether they were let in. Both doors note
// each; `GET /api/auth/attempts` shows them.

/** As RabbitMQ writes them. */
export type LoginProtocol = 'amqp091' | 'http'

interface LoginCount {
  readonly protocol: LoginProtocol
  succeeded: number
  failed: number
}

export class LoginCounts {
  private readonly counts = new Map<LoginProtocol, LoginCount>()

  note(protocol: LoginProtocol, isAdmitted: boolean): void {
    let count = this.counts.get(protocol)
    if (count === undefined) this.counts.set(protocol, count = { protocol, succeeded: 0, failed: 0 })
    if (isAdmitted) count.succeeded++
    else count.failed++
  }

  /** Of doors that somebody came to. */
  list(): readonly Readonly<LoginCount>[] {
    return [...this.counts.values()]
  }

  reset(): void {
    this.counts.clear()
  }
}
