// How much of all waiting messages is in memory, and from when on transient ones are written out too. One for
// the whole broker, counted by every ready list; persistent messages leave memory before it comes to that,
// as soon as their queue's window is full.

/** What an entry and its message take beside the bytes of its body (heap profile at 4 M entries, 2026-11). */
const ENTRY_BYTES = 350

export class Residence {
  bytes = 0
  private readonly bytesMax: number

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** What waits takes more than it should. */
  get isPressed(): boolean {
    return this.bytes > this.bytesMax
  }

  enter(bodyBytes: number): void {
    this.bytes += ENTRY_BYTES + bodyBytes
  }

  leave(bodyBytes: number): void {
    this.bytes -= ENTRY_BYTES + bodyBytes
  }
}
