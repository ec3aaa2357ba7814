// What a row of the table of versions says (table.ts): where RabbitMQ 3.10, the second reference, does not do
// what the newest does, which Leveret follows. Written by hand; the run on 3.10 holds each row against it.

export interface OlderDifference {
  readonly what: string
  readonly older: string
  readonly newest: string
  /** The version that changed it, or "by 4.3" where no release notes say so. */
  readonly since: string
  /** Where that is said: release notes, section 12 of the behaviour reference; or "seen", by this suite. */
  readonly source: string
  readonly fails?: readonly FailingTests[]
}

/** Tests that are written for the newest, and so fail on the older one. */
export interface FailingTests {
  /** Without .test.ts. */
  readonly file: string
  readonly titles: RegExp
  /** What their failures say. */
  readonly sees: RegExp
  /** Whether 3.10 does it is a matter of chance. */
  readonly mayPass?: true
}
