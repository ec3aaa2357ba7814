// Policies, queues, limits, parameters and definitions, as scripts change them. Called through tool-
// commands.ts.

import { pathOf, Refused } from '../broker-client.ts'
import { missingIs } from './access.ts'
import { ToolFailed } from './tool.ts'
import type { ToolCall, ToolCommand } from './tool.ts'
import { wrongUse } from './tool-line.ts'

/** Errors: ToolFailed. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ToolFailed('unavailable', `Error:\nCould not parse JSON document: ${text}`)
  }
}

/** What the broker refused as not valid, in its own words. */
async function validated(asked: Promise<unknown>): Promise<null> {
  try {
    await asked
    return null
  } catch (error) {
    if (error instanceof Refused && error.status === 400) {
      throw new ToolFailed('unavailable', `Error:\n${error.reason}`)
    }
    throw error
  }
}

function policyCommands(kind: 'policy' | 'operator_policy', path: string): ToolCommand[] {
  const what = kind.replace('_', ' ')
  const switches = ['priority:text', 'apply-to:text']
  return [
    {
      name: `set_${kind}`, words: [3, 3], switches,
      usage: '[--vhost <vhost>] [--priority <priority>] [--apply-to <apply-to>] <name> <pattern> '
        + '<definition>',
      banner: ({ words: [name, pattern, definition], vhost, switches }) =>
        `Setting ${what} "${name}" for pattern `
        + `"${pattern}" to "${definition}" with priority "${switches.get('priority') ?? '0'}" `
        + `for vhost "${vhost}" ...`,
      run: ({ broker, vhost, switches, words: [name = '', pattern, definition = ''] }) => {
        const priority = Number(switches.get('priority') ?? '0')
        return validated(broker.put(`/${path}${pathOf(vhost, name)}`, {
          pattern, 'definition': parseJson(definition), priority,
            'apply-to': switches.get('apply-to') ?? 'all',
        }))
      },
    },
    {
      name: `clear_${kind}`, usage: '[--vhost <vhost>] <name>', words: [1, 1],
      banner: ({ words: [name], vhost }) => `Clearing ${what} "${name}" on vhost "${vhost}" ...`,
      async run({ broker, vhost, words: [name = ''] }) {
        await missingIs(404, 'Error:\nParameter does not exist',
          broker.delete(`/${path}${pathOf(vhost, name)}`))
        return null
      },
    },
  ]
}

async function deleteQueue({ broker, vhost, switches, words: [name = ''] }: ToolCall): Promise<string> {
  const path = `/queues${pathOf(vhost, name)}`
  const gone = 'Error:\nNo such queue was found'
  const queue = await missingIs(404, gone, broker.get<{ messages_ready: number }>(path), 'usage')
  const flags = ['if-empty', 'if-unused'].filter((flag) => switches.has(flag)).map((flag) => `${flag}=true`)
  const refusal = switches.has('if-empty') ? 'The queue is not empty' : 'The queue is in use'
  await missingIs(400, `Error:\n${refusal}`,
    missingIs(404, gone, broker.delete(`${path}?${flags.join('&')}`), 'usage'), 'usage')
  return `Queue was successfully deleted with ${queue.messages_ready} ready messages`
}

const queues: readonly ToolCommand[] = [
  {
    name: 'purge_queue', usage: '[--vhost <vhost>] <queue>', words: [1, 1],
    banner: ({ words: [name], vhost }) => `Purging queue '${name}' in vhost '${vhost}' ...`,
    async run({ broker, vhost, words: [name = ''] }) {
      await missingIs(404, 'Object (queue, stream, exchange, etc) was not found',
        broker.delete(`/queues${pathOf(vhost, name)}/contents`), 'dataError')
      return null
    },
  },
  {
    name: 'delete_queue', usage: '[--vhost <vhost>] <queue_name> [--if-empty|-e] [--if-unused|-u]',
      words: [1, 1],
    switches: ['if-empty', 'if-unused'],
    banner({ words: [name], vhost, switches }) {
      const conditions = [
        ...switches.has('if-empty') ? ['if queue is empty'] : [],
        ...switches.has('if-unused') ? ['if queue is unused'] : [],
      ]
      return `Deleting queue '${name}' on vhost '${vhost}' ${[...conditions, ''].join(' ')}...`
    },
    run: deleteQueue,
  },
]

const parameters: readonly ToolCommand[] = [
  {
    name: 'set_global_parameter', usage: '<name> <value>', words: [2, 2],
    banner: ({ words: [name, value] }) => `Setting global runtime parameter "${name}" to "${value}" ...`,
    run: ({ broker, words: [name = '', value = ''] }) =>
      validated(broker.put(`/global-parameters${pathOf(name)}`, { value: parseJson(value) })),
  },
  {
    name: 'clear_global_parameter', usage: '<name>', words: [1, 1],
    banner: ({ words: [name] }) => `Clearing global runtime parameter "${name}" ...`,
    async run({ broker, words: [name = ''] }) {
      await missingIs(404, 'Error:\nParameter does not exist',
        broker.delete(`/global-parameters${pathOf(name)}`))
      return null
    },
  },
  {
    name: 'set_vhost_limits', usage: '[--vhost <vhost>] <definition>', words: [1, 1],
    banner: ({ words: [limits], vhost }) => `Setting vhost limits to "${limits}" for vhost "${vhost}" ...`,
    async run({ broker, vhost, words: [limits = ''] }) {
      for (const [name, value] of Object.entries(parseJson(limits) as object)) {
        await validated(broker.put(`/vhost-limits${pathOf(vhost, name)}`, { value: value as unknown }))
      }
      return null
    },
  },
  {
    name: 'clear_vhost_limits', usage: '[--vhost <vhost>]', words: [0, 0],
    banner: ({ vhost }) => `Clearing vhost "${vhost}" limits ...`,
    async run({ broker, vhost }) {
      for (const name of ['max-connections',
        'max-queues']) await broker.delete(`/vhost-limits${pathOf(vhost, name)}`)
      return null
    },
  },
  {
    name: 'enable_feature_flag', usage: '<feature_flag>', words: [1, 1],
    banner: ({ words: [name] }) => (name === 'all' ? 'Enabling all feature flags ...'
      : `Enabling flag: ${name} ...`),
    // There are none: what RabbitMQ hides behind them is always there.
    run: () => Promise.resolve(null),
  },
]

const definitions: readonly ToolCommand[] = [
  {
    name: 'export_definitions', usage: '<file_path | "-"> [--format <json | erlang>]', words: [1, 1],
    switches: ['format:text'], check: checkFormat,
    banner: ({ words: [file] }) => (file === '-' ? null
      : `Exporting definitions in JSON to a file at "${file}" ...`),
    async run({ broker, surroundings, words: [file = ''] }) {
      const text = JSON.stringify(await broker.get('/definitions'))
      if (file === '-') return text
      surroundings.writeText(file, text)
      return null
    },
  },
  {
    name: 'import_definitions', words: [0, 1], switches: ['format:text', 'skip-if-unchanged'],
    usage: '<file_path> [--format <json | erlang>] [--skip-if-unchanged]',
    check(call) {
      checkFormat(call)
      if (call.words.length > 0) readDefinitions(call)
    },
    banner: ({ words: [file] }) => (file === undefined
      ? 'Importing definitions in JSON from standard input ...'
      : `Importing definitions in JSON from a file at "${file}" ...`),
    async run(call) {
      const text = call.words.length > 0
        ? readDefinitions(call) : (await call.surroundings.readInput()).toString('utf8')
      await call.broker.post('/definitions', parseJson(text) as object)
      return 'Successfully imported definitions.'
    },
  },
]

/** Errors: ToolFailed. */
function checkFormat({ switches }: ToolCall): void {
  const format = switches.get('format') ?? 'json'
  if (format.toLowerCase() === 'json') return
  throw new ToolFailed('usage', `Error: definitions are JSON here, not ${JSON.stringify(format)}`)
}

/** Errors: ToolFailed. */
function readDefinitions({ tool, words: [file = ''], surroundings }: ToolCall): string {
  try {
    return surroundings.readText(file)
  } catch {
    const [, command] = definitions
    throw wrongUse(tool, command!, ['import_definitions', file],
      `Bad argument: File ${file} does not exist`, 'dataError')
  }
}

export const changeCommands: readonly ToolCommand[] = [
  ...policyCommands('policy', 'policies'), ...policyCommands('operator_policy', 'operator-policies'),
  ...queues, ...parameters, ...definitions,
]
