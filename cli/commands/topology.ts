// Commands that declare and delete queues, exchanges and bindings. Called through commands.ts.
import { pathOf } from '../broker-client.ts'
import { done, jsonObject, vhostOf } from '../command.ts'
import { CommandFailed } from '../command-failed.ts'
import type { Call, Command, Option, Output } from '../command.ts'

const argumentsOption: Option = { name: 'arguments', value: 'JSON',
  doc: 'arguments, `{"x-max-length":1000}`' }
const transient: Option = { name: 'transient', value: null, doc: 'not durable' }
const autoDelete: Option = { name: 'auto-delete', value: null, doc: 'goes when nobody uses it any more' }
const ifUnused: Option = { name: 'if-unused', value: null, doc: 'only when nobody uses it' }
const toExchange: Option = { name: 'to-exchange', value: null,
  doc: 'DESTINATION is an exchange, not a queue' }

async function declareQueue(call: Call): Promise<Output> {
  const { broker, operands: [name = ''], options } = call
  const args = jsonObject('--arguments', options.get('arguments'))
  const type = options.get('type')
  await broker.put(`/queues${pathOf(vhostOf(call), name)}`, {
    durable: !options.has('transient'), auto_delete: options.has('auto-delete'),
    arguments: type === undefined ? args : { ...args, 'x-queue-type': type },
  })
  return done(`queue ${name} declared`)
}

async function declareExchange(call: Call): Promise<Output> {
  const { broker, operands: [name = '', type = 'direct'], options } = call
  await broker.put(`/exchanges${pathOf(vhostOf(call), name)}`, {
    type, durable: !options.has('transient'), auto_delete: options.has('auto-delete'),
    internal: options.has('internal'), arguments: jsonObject('--arguments', options.get('arguments')),
  })
  return done(`exchange ${name} declared`)
}

async function deleteNamed(call: Call, collection: string, thing: string): Promise<Output> {
  const [name = ''] = call.operands
  const flags = ['if-empty', 'if-unused'].filter((flag) => call.options.has(flag)).map((flag) =>
    `${flag}=true`)
  const query = flags.length === 0 ? '' : `?${flags.join('&')}`
  await call.broker.delete(`/${collection}${pathOf(vhostOf(call), name)}${query}`)
  return done(`${thing} ${name} deleted`)
}

function bindingsPath(call: Call): string {
  const [source = '', destination = ''] = call.operands
  const letter = call.options.has('to-exchange') ? 'e' : 'q'
  return `/bindings${pathOf(vhostOf(call))}/e${pathOf(source)}/${letter}${pathOf(destination)}`
}

async function bind(call: Call): Promise<Output> {
  const [source = '', destination = '', routingKey = ''] = call.operands
  const args = jsonObject('--arguments', call.options.get('arguments'))
  await call.broker.post(bindingsPath(call), { routing_key: routingKey, arguments: args })
  return done(`${destination} bound to ${source}`)
}

interface Binding {
  readonly routing_key: string
  readonly arguments: object
  readonly properties_key: string
}

/** Arguments count only when they are given: of several bindings with one key the call has to say which. */
async function unbind(call: Call): Promise<Output> {
  const [source = '', destination = '', routingKey = ''] = call.operands
  const args = call.options.get('arguments')
  const wanted = args === undefined ? null : JSON.stringify(jsonObject('--arguments', args))
  const found = (await call.broker.get<Binding[]>(bindingsPath(call))).filter((each) =>
    each.routing_key === routingKey && (wanted === null || JSON.stringify(each.arguments) === wanted))
  const [binding, second] = found
  if (binding === undefined) {
    throw new CommandFailed('notSo',
      `there is no binding from ${source} to ${destination} with key '${routingKey}'`)
  }
  if (second !== undefined) {
    throw new CommandFailed('notSo', `${found.length} bindings from ${source} to ${destination} have the key `
      + `'${routingKey}': --arguments says which`)
  }
  await call.broker.delete(bindingsPath(call) + pathOf(binding.properties_key))
  return done(`${destination} unbound from ${source}`)
}

export const topologyCommands: readonly Command[] = [
  {
    words: 'declare queue', operands: 'NAME',
    options: [{ name: 'type', value: 'TYPE', doc: 'classic or quorum' }, transient, autoDelete,
      argumentsOption],
    doc: 'Declares a queue, durable unless told otherwise.', run: declareQueue,
  },
  {
    words: 'declare exchange', operands: 'NAME [TYPE]',
    options: [
      transient, autoDelete, { name: 'internal', value: null, doc: 'only exchanges publish to it' },
        argumentsOption,
    ],
    doc: 'Declares an exchange, durable and direct unless told otherwise.', run: declareExchange,
  },
  {
    words: 'declare binding', operands: 'EXCHANGE DESTINATION [ROUTING-KEY]', options: [toExchange,
      argumentsOption],
    doc: 'Binds a queue to an exchange.', run: bind,
  },
  {
    words: 'delete queue', operands: 'NAME',
    options: [{ name: 'if-empty', value: null, doc: 'only when it has no messages' }, ifUnused],
    doc: 'Deletes a queue with its messages.', run: (call) => deleteNamed(call, 'queues', 'queue'),
  },
  {
    words: 'delete exchange', operands: 'NAME', options: [ifUnused], doc: 'Deletes an exchange.',
    run: (call) => deleteNamed(call, 'exchanges', 'exchange'),
  },
  {
    words: 'delete binding', operands: 'EXCHANGE DESTINATION [ROUTING-KEY]', options: [toExchange,
      argumentsOption],
    doc: 'Unbinds.', run: unbind,
  },
]
