// The settings of a broker that runs: those of its start, but for the rows that may change meanwhile. A
// change is forgotten when the broker stops, as with RabbitMQ's set_vm_memory_high_watermark. runtime/ makes
// one, the HTTP door changes it. Invariant: whoever needs a changeable setting reads `current` each time.
import { settingRows } from './config.ts'
import type { Row, Settings } from './config.ts'
import { Refusal } from './refusal.ts'

export class RunningSettings {
  current: Settings
  /** Called after each change. */
  onChanged: () => void = () => {}

  constructor(settings: Settings) {
    this.current = settings
  }

  /** Errors: Refusal for a name that is none, a setting that stays as it is, and a value it cannot have. */
  change(key: string, value: unknown): void {
    const found = settingRows.find(([, row]) => row.key === key)
    if (found === undefined) throw new Refusal(`there is no setting ${key}`, 'not_found')
    const [name, row] = found
    if (row.isChangeable !== true) {
      throw new Refusal(`${key} cannot be changed while the broker runs: it is read when it starts`)
    }
    this.current = Object.freeze({ ...this.current, [name]: checked(row, value) })
    this.onChanged()
  }
}

/** Errors: Refusal. */
function checked(row: Row<unknown>, value: unknown): unknown {
  const parsed = row.kind.schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new Refusal(`${row.key}: ${JSON.stringify(value)} is not ${row.kind.allowed}`)
}
