// The README's program, run as a newcomer runs it, on both brokers: it must print what the README says it
// prints.

import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import * as amqp from 'amqplib'
import { expect } from 'vitest'
import { forEachTarget } from './harness/for-each-target.ts'

const root = resolve(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The first fenced block of a language. */
function block(language: string): string {
  const match = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme)
  if (match === null) throw new Error(`the README has no ${language} block`)
  return match[1]!
}

forEachTarget((test, target) => {
  test('the program in the README prints what the README says', async () => {
    const folder = join(root, 'node_modules/.cache/leveret')
    mkdirSync(folder, { recursive: true })
    const program = join(folder, `readme-${target.label}.mjs`)
    writeFileSync(program, block('js'))
    const { stdout } = await promisify(execFile)(process.execPath, [program], {
      env: { ...process.env, AMQP_URL: target.url }, timeout: 20_000,
    })
    const connection = await amqp.connect(target.url)
    const channel = await connection.createChannel()
    await channel.deleteQueue('invoices')
    await channel.deleteExchange('orders')
    await connection.close()
    expect(stdout).toBe(block('text'))
  })
})
