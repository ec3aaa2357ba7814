// The example of a page in docs/, run as it is printed there, and what the page says that it prints. Used by
// the tests of features that have such a page. The first block of JavaScript is the example.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..')

export interface PageExample {
  readonly printed: string
  readonly promised: string
}

/** `page`: its name without `.md`. Errors: Error without an example, or that of its process. */
export async function runPageExample(page: string, amqpUrl: string): Promise<PageExample> {
  const text = readFileSync(join(root, 'docs', `${page}.md`), 'utf8')
  const [, code] = /```js\n([\s\S]*?)```/.exec(text) ?? []
  const [, promised] = /It prints `([^`]*)`/.exec(text) ?? []
  if (code === undefined || promised === undefined) throw new Error(`docs/${page}.md promises no example`)
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root, env: { AMQP_URL: amqpUrl },
  })
  return { printed: stdout.trim(), promised }
}
