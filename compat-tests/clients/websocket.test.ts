// AMQP over WebSocket as a browser's library speaks it, against Leveret alone: RabbitMQ has no such port.
// What the program sees is what every library sees over TCP.
import { resolve } from 'node:path'
import { expect, inject, test } from 'vitest'
import { ClientProgram } from './client-program.ts'
import { scenarios } from './scenarios.ts'

const target = inject('targets').find(({ isLeveret }) => isLeveret)!
const program = resolve(import.meta.dirname, 'node/cloudamqp-websocket.mjs')

test.each(['work', 'large', 'many'] as const)('%s over a WebSocket', async (scenario) => {
  const command = [process.execPath, program, target.httpUrl!, scenario]
  const client = new ClientProgram(command, import.meta.dirname)
  await client.ended
  const expected = [...scenarios[scenario].sees, { ended: true }].map((line) => ({ scenario, ...line }))
  expect({ lines: client.lines, stderr: client.stderr }).toEqual({ lines: expected, stderr: '' })
}, 120_000)
