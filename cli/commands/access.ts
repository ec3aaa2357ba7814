// Commands for users, permissions, vhosts and policies. Called through commands.ts; `list users` and its
// like are in listing.ts.
import { pathOf } from '../broker-client.ts'
import { done, jsonObject, vhostOf } from '../command.ts'
import { usageError } from '../command-failed.ts'
import type { Call, Command, Option, Output } from '../command.ts'
import { list } from './listing.ts'

interface User {
  readonly tags: readonly string[]
  readonly password_hash: string
  readonly hashing_algorithm: string
}

/** The operand, or a line from stdin, so that a password need not be seen among the processes. */
async function passwordOf({ operands: [, given], surroundings }: Call): Promise<string> {
  const password = given ?? (await surroundings.readInput()).toString('utf8').replace(/\r?\n$/, '')
  if (password === '') throw usageError('the password is empty: give it after the name, or on stdin')
  return password
}

async function addUser(call: Call): Promise<Output> {
  const [name = ''] = call.operands
  const tags = call.options.get('tags') ?? ''
  await call.broker.put(`/users${pathOf(name)}`, { password: await passwordOf(call), tags })
  return done(`user ${name} added${tags === '' ? '' : `, tagged ${tags}`}`)
}

async function changePassword(call: Call): Promise<Output> {
  const [name = ''] = call.operands
  const { tags } = await call.broker.get<User>(`/users${pathOf(name)}`)
  await call.broker.put(`/users${pathOf(name)}`, { password: await passwordOf(call), tags })
  return done(`password of user ${name} changed`)
}

async function setTags(call: Call): Promise<Output> {
  const [name = '', ...tags] = call.operands
  const { password_hash, hashing_algorithm } = await call.broker.get<User>(`/users${pathOf(name)}`)
  await call.broker.put(`/users${pathOf(name)}`, { password_hash, hashing_algorithm, tags })
  return done(tags.length === 0 ? `user ${name} has no tags` : `user ${name} tagged ${tags.join(', ')}`)
}

const operator: Option = { name: 'operator', value: null, doc: 'an operator policy' }
const policyPath = (call: Call, name: string): string =>
  `/${call.options.has('operator') ? 'operator-' : ''}policies${pathOf(vhostOf(call), name)}`

async function setPolicy(call: Call): Promise<Output> {
  const [name = '', pattern = '', definition] = call.operands
  const { options } = call
  const priority = options.get('priority') ?? '0'
  if (!/^-?\d{1,9}$/.test(priority)) {
    throw usageError(`--priority: ${JSON.stringify(priority)} is not an integer`)
  }
  await call.broker.put(policyPath(call, name), {
    pattern, 'definition': jsonObject('DEFINITION', definition), 'priority': Number(priority),
    'apply-to': options.get('apply-to') ?? 'all',
  })
  return done(`policy ${name} set`)
}

/** One that is deleted by its path alone. */
function deletes(thing: string, path: (call: Call, name: string) => string) {
  return async (call: Call): Promise<Output> => {
    const [name = ''] = call.operands
    await call.broker.delete(path(call, name))
    return done(`${thing} ${name} deleted`)
  }
}

const lists = (words: string, kind: string): Command => ({
  words, operands: '[COLUMN…]', options: [], doc: `The same as \`list ${kind}\`.`,
  run: (call) => list(call, kind, call.operands),
})

const users: readonly Command[] = [
  {
    words: 'user add', operands: 'NAME [PASSWORD]',
    options: [{ name: 'tags', value: 'TAGS', doc: 'with commas between them' }],
    doc: 'Makes a user, or changes one. Without PASSWORD it is read from stdin. It may enter no vhost yet: '
      + 'see `permission set`.',
    run: addUser,
  },
  {
    words: 'user delete', operands: 'NAME', options: [], doc: 'Deletes a user; its connections are closed.',
    run: deletes('user', (_call, name) => `/users${pathOf(name)}`),
  },
  {
    words: 'user passwd', operands: 'NAME [PASSWORD]', options: [],
    doc: 'Changes a password. Without PASSWORD it is read from stdin.', run: changePassword,
  },
  {
    words: 'user tags', operands: 'NAME [TAG…]', options: [],
    doc: 'Replaces the tags of a user: administrator, monitoring, policymaker, management.', run: setTags,
  },
  lists('user list', 'users'),
]

const vhosts: readonly Command[] = [
  {
    words: 'vhost add', operands: 'NAME',
    options: [
      { name: 'description', value: 'TEXT', doc: 'what it is for' },
      { name: 'tags', value: 'TAGS', doc: 'with commas between them' },
    ],
    doc: 'Makes a vhost, in which the user of this command may do everything.',
    async run({ broker, operands: [name = ''], options }) {
      const description = options.get('description') ?? ''
      await broker.put(`/vhosts${pathOf(name)}`, { description, tags: options.get('tags') ?? '' })
      return done(`vhost ${name} added`)
    },
  },
  {
    words: 'vhost delete', operands: 'NAME', options: [], doc: 'Deletes a vhost with everything in it.',
    run: deletes('vhost', (_call, name) => `/vhosts${pathOf(name)}`),
  },
  lists('vhost list', 'vhosts'),
]

const permissions: readonly Command[] = [
  {
    words: 'permission set', operands: 'USER CONFIGURE WRITE READ', options: [],
    doc: 'Permits what the three patterns match in the vhost, and nothing else.',
    async run(call) {
      const [user = '', configure = '', write = '', read = ''] = call.operands
      await call.broker.put(`/permissions${pathOf(vhostOf(call), user)}`, { configure, write, read })
      return done(`permissions of user ${user} in vhost ${vhostOf(call)} set`)
    },
  },
  {
    words: 'permission clear', operands: 'USER', options: [], doc: 'Takes all of them away, entry included.',
    async run(call) {
      const [user = ''] = call.operands
      await call.broker.delete(`/permissions${pathOf(vhostOf(call), user)}`)
      return done(`permissions of user ${user} in vhost ${vhostOf(call)} cleared`)
    },
  },
  lists('permission list', 'permissions'),
]

const policies: readonly Command[] = [
  {
    words: 'policy set', operands: 'NAME PATTERN DEFINITION',
    options: [
      { name: 'priority', value: 'N', doc: 'the highest that matches counts; 0 without it' },
      { name: 'apply-to', value: 'KIND', doc: 'all, queues, classic_queues, quorum_queues or exchanges' },
        operator,
    ],
    doc: 'Sets a policy, in force at once. DEFINITION is JSON: `{"max-length":1000}`.', run: setPolicy,
  },
  {
    words: 'policy clear', operands: 'NAME', options: [operator], doc: 'Takes a policy out of force.',
    run: deletes('policy', policyPath),
  },
  lists('policy list', 'policies'),
]

export const accessCommands: readonly Command[] = [...users, ...permissions, ...vhosts, ...policies]
