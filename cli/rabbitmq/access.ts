// Users, permissions and vhosts, as init scripts make them. Called through tool-commands.ts. Texts and exit
// codes are those of RabbitMQ's tools.

import { pathOf, Refused } from '../broker-client.ts'
import { ToolFailed } from './tool.ts'
import type { ToolCall, ToolCommand } from './tool.ts'

interface User {
  readonly tags: readonly string[]
  readonly password_hash: string
  readonly hashing_algorithm: string
}

const quoted = (text: string): string => `User "${text}"`
const userPath = (name: string): string => `/users${pathOf(name)}`

/** Null when there is none. */
async function findUser({ broker }: ToolCall, name: string): Promise<User | null> {
  try {
    return await broker.get<User>(userPath(name))
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null
    throw error
  }
}

async function getUser(call: ToolCall, name: string): Promise<User> {
  const user = await findUser(call, name)
  if (user === null) throw new ToolFailed('noUser', `Error:\n${quoted(name)} does not exist`)
  return user
}

async function passwordOf(call: ToolCall): Promise<string> {
  const [, given] = call.words
  const password = given ?? (await call.surroundings.readInput()).toString('utf8').replace(/\r?\n$/, '')
  if (password !== '') return password
  throw new ToolFailed('dataError', 'Error:\nPassword is not provided via argument or stdin')
}

async function addUser(call: ToolCall): Promise<string> {
  const [name = ''] = call.words
  const password = await passwordOf(call)
  if (await findUser(call, name) !== null) {
    throw new ToolFailed('software', `Error:\n${quoted(name)} already exists`)
  }
  const isHash = call.switches.has('pre-hashed-password')
  await call.broker.put(userPath(name), { [isHash ? 'password_hash' : 'password']: password, tags: '' })
  return 'Done. Don\'t forget to grant the user permissions to some virtual hosts! '
    + 'See \'rabbitmqctl help set_permissions\' to learn more.'
}

async function setPermissions(call: ToolCall): Promise<null> {
  const [name = '', configure = '', write = '', read = ''] = call.words
  const { broker, vhost } = call
  if (await findUser(call, name) === null) {
    throw new ToolFailed('noUser', `Error:\nUser ${name} does not exist`)
  }
  await missingIs(404, `Error:\nVirtual host ${vhost} does not exist`, broker.get(`/vhosts${pathOf(vhost)}`))
  await broker.put(`/permissions${pathOf(vhost, name)}`, { configure, write, read })
  return null
}

/** What the broker refuses with `status` is said in RabbitMQ's words instead. */
export async function missingIs<T>(
  status: number, message: string, asked: Promise<T>,
    exit: 'unavailable' | 'dataError' | 'usage' = 'unavailable',
): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Refused && error.status === status) throw new ToolFailed(exit, message)
    throw error
  }
}

/** Deleting what is not there is fine. */
async function withoutFail(asked: Promise<unknown>): Promise<null> {
  try {
    await asked
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error
  }
  return null
}

const users: readonly ToolCommand[] = [
  {
    name: 'add_user', usage: '<username> [<password>] [<password_hash> --pre-hashed-password]', words: [1, 2],
    switches: ['pre-hashed-password'], banner: ({ words: [name] }) => `Adding user "${name}" ...`,
      run: addUser,
  },
  {
    name: 'delete_user', usage: '<username>', words: [1, 1],
    banner: ({ words: [name] }) => `Deleting user "${name}" ...`,
    run: ({ broker, words: [name = ''] }) => withoutFail(broker.delete(userPath(name))),
  },
  {
    name: 'change_password', usage: '<username> <password>', words: [1, 2],
    banner: ({ words: [name] }) => `Changing password for user "${name}" ...`,
    async run(call) {
      const [name = ''] = call.words
      const { tags } = await getUser(call, name)
      await call.broker.put(userPath(name), { password: await passwordOf(call), tags })
      return null
    },
  },
  {
    name: 'clear_password', usage: '<username>', words: [1, 1],
    banner: ({ words: [name] }) => `Clearing password for user "${name}" ...`,
    async run(call) {
      const [name = ''] = call.words
      await call.broker.put(userPath(name), { password_hash: '', tags: (await getUser(call, name)).tags })
      return null
    },
  },
  {
    name: 'set_user_tags', usage: '<username> <tag> [...]', words: [1, Infinity],
    banner: ({ words: [name, ...tags] }) => `Setting tags for user "${name}" to [${tags.join(', ')}] ...`,
    async run(call) {
      const [name = '', ...tags] = call.words
      const { password_hash, hashing_algorithm } = await getUser(call, name)
      await call.broker.put(userPath(name), { password_hash, hashing_algorithm, tags })
      return null
    },
  },
]

const permissions: readonly ToolCommand[] = [
  {
    name: 'set_permissions', usage: '[--vhost <vhost>] <username> <conf> <write> <read>', words: [4, 4],
    banner: ({ words: [name], vhost }) => `Setting permissions for user "${name}" in vhost "${vhost}" ...`,
    run: setPermissions,
  },
  {
    name: 'clear_permissions', usage: '[--vhost <vhost>] <username>', words: [1, 1],
    banner: ({ words: [name], vhost }) => `Clearing permissions for user "${name}" in vhost "${vhost}" ...`,
    run: ({ broker, vhost, words: [name = ''] }) =>
      withoutFail(broker.delete(`/permissions${pathOf(vhost, name)}`)),
  },
]

const vhosts: readonly ToolCommand[] = [
  {
    name: 'add_vhost', usage: '<vhost> [--description <text>] [--tags <tags>] [--default-queue-type <type>]',
    words: [1, 1], switches: ['description:text', 'tags:text', 'default-queue-type:text'],
    banner: ({ words: [name] }) => `Adding vhost "${name}" ...`,
    async run({ broker, words: [name = ''], switches }) {
      const type = switches.get('default-queue-type')
      await broker.put(`/vhosts${pathOf(name)}`, {
        description: switches.get('description') ?? '', tags: switches.get('tags') ?? '',
        ...type !== undefined && { default_queue_type: type },
      })
      return null
    },
  },
  {
    name: 'delete_vhost', usage: '<vhost>', words: [1, 1],
    banner: ({ words: [name] }) => `Deleting vhost "${name}" ...`,
    async run({ broker, words: [name = ''] }) {
      await missingIs(404, `Virtual host '${name}' does not exist`,
        broker.delete(`/vhosts${pathOf(name)}`), 'dataError')
      return null
    },
  },
]

export const accessCommands: readonly ToolCommand[] = [...users, ...permissions, ...vhosts]
