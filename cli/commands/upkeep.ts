// Commands about all of a broker: definitions, backup, check. Called through commands.ts. What reads a data
// directory is loaded when it is asked for: the other commands do without a database.
import { pathOf } from '../broker-client.ts'
import { done, readOperand } from '../command.ts'
import { CommandFailed } from '../command-failed.ts'
import type { Call, Command, Output } from '../command.ts'

const definitionsPath = ({ settings: { vhost } }: Call): string =>
  `/definitions${vhost === null ? '' : pathOf(vhost)}`

async function exportDefinitions(call: Call): Promise<Output> {
  const [file = '-'] = call.operands
  const definitions = await call.broker.get<object>(definitionsPath(call))
  const text = `${JSON.stringify(definitions, null, 2)}\n`
  if (file === '-') return { value: definitions, text }
  call.surroundings.writeText(file, text)
  return done(`definitions written to ${file}`)
}

async function importDefinitions(call: Call): Promise<Output> {
  const [file = '-'] = call.operands
  await call.broker.post(definitionsPath(call), parse(file, await readOperand(call, file)))
  return done(`definitions of ${file === '-' ? 'stdin' : file} imported`)
}

function parse(file: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    throw new CommandFailed('dataError', `${file} is not JSON: ${String(error)}`)
  }
  throw new CommandFailed('dataError', `${file} is not a JSON object`)
}

export const upkeepCommands: readonly Command[] = [
  {
    words: 'definitions export', operands: '[FILE]', options: [],
    doc: 'Writes what is declared as RabbitMQ\'s definitions to FILE, or to stdout; of one vhost with '
      + '`--vhost`.',
    run: exportDefinitions,
  },
  {
    words: 'definitions import', operands: '[FILE]', options: [],
    doc: 'Takes in definitions from FILE, or from stdin; into one vhost with `--vhost`. All of them, or '
      + 'none.',
    run: importDefinitions,
  },
  {
    words: 'backup', operands: 'FILE',
    options: [{ name: 'force', value: null, doc: 'overwrites FILE' }],
    doc: 'Copies the data to FILE: of a running broker, asked over HTTP as an administrator, or of a '
      + 'directory (`--data`) that no broker uses.',
    run: async (call) => (await import('../backup.ts')).backup(call),
  },
  {
    words: 'check', operands: '', options: [],
    doc: 'Reads the whole data directory (`--data`), also beside a running broker, and names what is '
      + 'damaged.',
    run: async (call) => (await import('../check.ts')).check(call),
  },
]
