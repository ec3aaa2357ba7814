// What the Node programs share: they play scenarios and print what they saw, one JSON object a line.
// Called as `node PROGRAM URL [SCENARIO…]`; without names all scenarios are played, in their order.
// Invariant: each scenario's lines end with `ended` or with `error`, whatever the library does.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'

const [, , brokerUrl, ...wanted] = process.argv
export const url = brokerUrl

/** 1 MiB, the same in every language. */
export const largeBody = Buffer.from('0123456789abcdef'.repeat(65_536))

export function sha256(body) {
  return createHash('sha256').update(body).digest('hex')
}

export async function play(scenarios) {
  for (const [scenario, run] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.includes(scenario)) continue
    const say = (seen) => process.stdout.write(`${JSON.stringify({ scenario, ...seen })}\n`)
    try {
      await run(say)
      say({ ended: true })
    } catch (error) {
      say({ error: String(error.stack ?? error) })
    }
  }
}

/** Asks for a restart of the broker, and returns when it is up again. */
export async function brokerRestart(say) {
  say({ waiting: true })
  const input = createInterface({ input: process.stdin })
  await new Promise((resolve) => {
    input.once('line', resolve)
  })
  input.close()
}

/** Carries deliveries from a library's callback to a scenario that awaits them one by one. */
export class Inbox {
  #items = []
  #waiting = []

  put(item) {
    const resolve = this.#waiting.shift()
    if (resolve === undefined) this.#items.push(item)
    else resolve(item)
  }

  take() {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift())
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }
}
