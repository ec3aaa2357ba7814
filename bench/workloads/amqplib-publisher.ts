// The publishing process of amqplib-confirms: keeps up to a number of publishes unconfirmed and times each
// confirm.
import * as amqp from 'amqplib'
import type { Told } from './amqplib-confirms.ts'

const [url = '', queue = '', messages = '0', bodyBytes = '0', unconfirmedMax = '0'] = process.argv.slice(2)
const count = Number(messages)
const body = Buffer.alloc(Number(bodyBytes), 'x')
const latenciesMs: number[] = []

const connection = await amqp.connect(url)
const channel = await connection.createConfirmChannel()
const startedMs = performance.now()
await new Promise<void>((resolve, reject) => {
  let sent = 0
  const fill = (): void => {
    while (sent < count && sent - latenciesMs.length < Number(unconfirmedMax)) {
      sent++
      const sentMs = performance.now()
      channel.sendToQueue(queue, body, { persistent: true }, (error: unknown) => {
        if (error !== null && error !== undefined) return reject(error as Error)
        latenciesMs.push(performance.now() - sentMs)
        if (latenciesMs.length === count) return resolve()
        fill()
      })
    }
  }
  fill()
})
const told: Told = { kind: 'published', seconds: (performance.now() - startedMs) / 1000, latenciesMs }
await new Promise<void>((resolve) => process.send!(told, () => resolve()))
await connection.close()
process.disconnect()
