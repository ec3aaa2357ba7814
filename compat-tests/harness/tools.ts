// RabbitMQ's command line tools, run for a broker under test: those of RabbitMQ on RabbitMQ, Leveret's of
// the same name on Leveret, and Debian's rabbitmqadmin on both. Used by command-line.test.ts.
import { spawn } from 'node:child_process'
import type { Tools } from './broker-process.ts'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Words of Erlang's own start-up, which a root folder without /proc brings out. */
const noise = /^\s*$|\[notice\]|exited: stopped|type: temporary/

export function callTool(tools: Tools, tool: string, words: readonly string[]): Promise<Ended> {
  return call([...tools.prefix, tools.folder + tool, ...words])
}

export function call(argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: 'pipe' })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString() })
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
    child.on('error', reject)
    child.on('close', (code) => {
      const said = stderr.split('\n').filter((line) => !noise.test(line)).join('\n')
      resolve({ code, stdout, stderr: said })
    })
    child.stdin.end()
  })
}
