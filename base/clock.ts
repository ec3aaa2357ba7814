// Time as the core sees it: two numbers, refreshed once per turn. Reading a field costs 1 ns, Date.now() 45;
// and a test moves the hands itself. runtime/ has the clock of the real world.

export interface Clock {
  /** Milliseconds since the epoch: what is stored and shown. May jump. */
  readonly nowMs: number
  /** Milliseconds since some fixed moment: heartbeats, leases, rates. Never goes back. */
  readonly monotonicMs: number
  /** Reads the real hands; at the start of a turn, because after an idle hour the time must not be old. */
  tick(): void
}

export class TestClock implements Clock {
  nowMs: number
  monotonicMs = 0

  constructor(nowMs = 1_700_000_000_000) {
    this.nowMs = nowMs
  }

  tick(): void {}

  travel(ms: number): void {
    this.nowMs += ms
    this.monotonicMs += ms
  }
}
