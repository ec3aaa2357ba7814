// How much publishers may bring in per turn, so that they never starve consumers: sockets that send faster
// than the broker hands out would otherwise fill every turn with their data. While a queue with consumers is
// growing, all publishers together get about what was delivered in the turn before; otherwise a bound that
// only keeps turns short. A connection that has used up its share goes on reading in the next turn.
//
// With consumers that are slow by themselves turns are short, so the least share, turn after turn, is no
// limit at all: publishers are slowed by what the broker is busy delivering, never by a backlog.

const UNITS_MAX = 2_000
const UNITS_MIN = 64
const SHARE_MIN = 8
/** Bytes that cost as much as one message more. */
const UNIT_BYTES = 1_024

export class IngestBudget {
  /** Rises with every turn: a share is good for one. */
  turn = 0
  private units = UNITS_MAX
  private publishersBefore = 1
  private publishers = 0
  private delivered = 0
  private isGrowing = false

  /** A connection publishes for the first time in this turn. Returns its share in units. */
  enter(): number {
    this.publishers++
    return Math.max(SHARE_MIN, Math.floor(this.units / Math.max(this.publishers, this.publishersBefore)))
  }

  /** What a message costs of a share. */
  cost(bodyBytes: number): number {
    return 1 + Math.floor(bodyBytes / UNIT_BYTES)
  }

  /** A queue has handed out; `isLeft`: some of it is still there, although it has consumers. */
  pumped(delivered: number, isLeft: boolean): void {
    this.delivered += delivered
    if (isLeft) this.isGrowing = true
  }

  /** The turn is over. */
  next(): void {
    this.turn++
    this.units = this.isGrowing ? Math.min(UNITS_MAX, Math.max(UNITS_MIN, this.delivered)) : UNITS_MAX
    this.publishersBefore = Math.max(1, this.publishers)
    this.publishers = this.delivered = 0
    this.isGrowing = false
  }
}
