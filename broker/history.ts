// The last values of a few numbers at even distances in time: what rates and curves are made of. A ring of
// rows in one array. Invariant: `push` is called with rising times; nothing is allocated then.
//
//   rows:   t₀ a b c │ t₁ a b c │ t₂ a b c │ …    one per push; the oldest is written over

export interface Sample {
  readonly sample: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

export class History {
  readonly fields: readonly string[]
  private readonly rows: Float64Array
  private readonly slots: number
  private pushed = 0

  constructor(fields: readonly string[], slots: number) {
    this.fields = fields
    this.slots = slots
    this.rows = new Float64Array(slots * (fields.length + 1))
  }

  /** `read` gives the value of a field by its name. */
  push(nowMs: number, read: (field: string) => number): void {
    const at = this.startOf(this.pushed)
    this.rows[at] = nowMs
    for (let n = 0; n < this.fields.length; n++) this.rows[at + 1 + n] = read(this.fields[n]!)
    this.pushed++
  }

  /** Per second, between the last two rows; 0 when there are not yet two, or no such field. */
  rate(field: string): number {
    const column = this.fields.indexOf(field)
    if (this.pushed < 2 || column < 0) return 0
    return this.rateBetween(column, this.pushed - 2, this.pushed - 1)
  }

  /** The newest value; 0 when there is none. */
  last(field: string): number {
    const column = this.fields.indexOf(field)
    return this.pushed === 0 || column < 0 ? 0 : this.value(column, this.pushed - 1)
  }

  /** The time of the newest row; 0 when there is none. */
  get lastMs(): number {
    return this.pushed === 0 ? 0 : this.rows[this.startOf(this.pushed - 1)]!
  }

  /**
   * Newest first, every `incrementMs` over `ageMs`, ending at the newest row. What lies before the oldest row
   * has its value.
   */
  samples(field: string, ageMs: number, incrementMs: number): Sample[] {
    const column = this.fields.indexOf(field)
    const samples: Sample[] = []
    if (column < 0 || this.pushed === 0) return samples
    let row = this.pushed - 1
    const oldest = Math.max(0, this.pushed - this.slots)
    for (let timestamp = this.lastMs; timestamp >= this.lastMs - ageMs; timestamp -= incrementMs) {
      while (row > oldest && this.rows[this.startOf(row)]! > timestamp) row--
      samples.push({ sample: this.value(column, row), timestamp })
    }
    return samples
  }

  private rateBetween(column: number, from: number, to: number): number {
    const seconds = (this.rows[this.startOf(to)]! - this.rows[this.startOf(from)]!) / 1000
    return seconds <= 0 ? 0 : (this.value(column, to) - this.value(column, from)) / seconds
  }

  private value(column: number, row: number): number {
    return this.rows[this.startOf(row) + 1 + column]!
  }

  private startOf(row: number): number {
    return (row % this.slots) * (this.fields.length + 1)
  }
}
