// /api/parameters and /api/global-parameters. Of components, RabbitMQ's core has two: operator policies and
// vhost limits, which have endpoints of their own, too; others come with its plugins and are not known here
// either.
import { z } from 'zod'
import { parametersOf } from '../../broker/definitions-export.ts'
import { readVHostLimits } from '../../broker/limits.ts'
import { deletePolicy, putPolicy } from '../../broker/policy-changes.ts'
import type { Policy } from '../../broker/policies.ts'
import { Refusal } from '../../broker/refusal.ts'
import type { VHost } from '../../broker/vhost.ts'
import { checkTag, visibleVHosts } from '../access.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Listing } from '../answer.ts'
import { whenDefined, whenRecorded } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import type { Door } from '../node-view.ts'
import { newName, validate } from '../schemas.ts'
import { policyBody } from './policies.ts'
import { valueOf } from './users.ts'

interface Component {
  /** True for a new one. Errors: HttpError, Refusal. */
  readonly put: (door: Door, vhost: VHost, name: string, value: object) => Promise<boolean>
  /** False for one that is not there. */
  readonly delete: (door: Door, vhost: VHost, name: string) => Promise<boolean>
}

async function putLimits({ broker }: Door, vhost: VHost, value: object): Promise<boolean> {
  const isNew = Object.keys(vhost.facts.limits).length === 0
  broker.recordVHost(vhost.name, { ...vhost.facts, limits: readVHostLimits(value) })
  await whenRecorded(broker.records)
  return isNew
}

const components: ReadonlyMap<string, Component> = new Map<string, Component>([
  ['operator_policy', {
    async put(_door, vhost, name, value) {
      const { pattern, definition, priority, 'apply-to': applyTo } = validate(policyBody, value)
      const policy = { name: newName(name), pattern, definition, priority }
      const isNew = putPolicy(vhost, 'operator-policy', { ...policy, applyTo: applyTo as Policy['applyTo'] })
      await whenDefined(vhost)
      return isNew
    },
    async delete(_door, vhost, name) {
      const isThere = deletePolicy(vhost, 'operator-policy', name)
      await whenDefined(vhost)
      return isThere
    },
  }],
  ['vhost-limits', {
    put: (door, vhost, _name, value) => putLimits(door, vhost, value),
    async delete(door, vhost) {
      return !await putLimits(door, vhost, {})
    },
  }],
])

interface PlacedParameter {
  readonly component: string
  readonly vhost: string
  readonly name: string
}

function parametersIn(vhosts: readonly VHost[]): PlacedParameter[] {
  return vhosts.flatMap((vhost) =>
    parametersOf(vhost).map((parameter) => ({ ...parameter, vhost: vhost.name }))) as PlacedParameter[]
}

function list(rows: readonly PlacedParameter[]): Listing {
  return listing(rows, { name: ({ name }) => name, vhost: ({ vhost }) => vhost, show: (row) => row })
}

/** Errors: HttpError 404. */
function parameterNamed(vhost: VHost, component: string, name: string): PlacedParameter {
  const found = parametersIn([vhost]).find((row) => row.component === component && row.name === name)
  if (found === undefined) throw noSuchObject()
  return found
}

const globalParameters = [
  endpoint({
    method: 'GET', path: '/api/global-parameters', access: 'policymaker', list: 'plain',
    doc: 'Free-form values, by name.',
    handle: ({ door }) => listing(door.broker.globalParameters, {
      name: ([name]) => name, vhost: () => '', show: ([name, value]) => ({ name, value }),
    }),
  }),
  endpoint({
    method: 'GET', path: '/api/global-parameters/:parameter', access: 'policymaker', doc: 'One of them.',
    handle({ door: { broker }, params: { parameter: name } }) {
      if (!broker.globalParameters.has(name)) throw noSuchObject()
      return json({ name, value: broker.globalParameters.get(name) })
    },
  }),
  endpoint({
    method: 'PUT', path: '/api/global-parameters/:parameter', access: 'policymaker',
    body: z.object({ value: z.unknown() }), doc: 'Keeps any JSON `value`.',
    async handle({ door: { broker }, params, body }) {
      const isNew = broker.putGlobalParameter(params.parameter, valueOf(body))
      await whenRecorded(broker.records)
      return put(isNew)
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/global-parameters/:parameter', access: 'policymaker', doc: 'Forgets it.',
    async handle({ door: { broker }, params }) {
      if (!broker.deleteGlobalParameter(params.parameter)) throw noSuchObject()
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
]


export const parameterEndpoints = [
  ...globalParameters,
  endpoint({
    method: 'GET', path: '/api/parameters', access: 'policymaker', list: 'plain',
    doc: 'Operator policies and vhost limits, which RabbitMQ keeps as parameters.',
    handle: ({ door, user }) => list(parametersIn(visibleVHosts(door.broker, user))),
  }),
  endpoint({
    method: 'GET', path: '/api/parameters/:component', access: 'policymaker', list: 'plain',
    doc: 'Those of a component: `operator_policy` or `vhost-limits`.',
    handle: ({ door, user, params: { component } }) =>
      list(parametersIn(visibleVHosts(door.broker, user)).filter((row) => row.component === component)),
  }),
  endpoint({
    method: 'GET', path: '/api/parameters/:component/:vhost', access: 'policymaker', list: 'plain',
    doc: 'Those of a component in a vhost.',
    handle: ({ vhost, params: { component } }) =>
      list(parametersIn([vhost]).filter((row) => row.component === component)),
  }),
  endpoint({
    method: 'GET', path: '/api/parameters/:component/:vhost/:parameter', access: 'policymaker',
      doc: 'One of them.',
    handle: ({ vhost, params }) => json(parameterNamed(vhost, params.component, params.parameter)),
  }),
  endpoint({
    method: 'PUT', path: '/api/parameters/:component/:vhost/:parameter', access: 'policymaker',
    body: z.object({ value: z.unknown() }),
    doc: 'Sets a parameter to `value`; administrators only, as through the endpoints that these have.',
    async handle({ door, user, vhost, params, body }) {
      const value = valueOf(body)
      const component = components.get(params.component)
      if (component === undefined) {
        throw new Refusal(`Validation failed\n\ncomponent ${params.component} not found\n`)
      }
      checkTag(user, 'administrator')
      return put(await component.put(door, vhost, params.parameter, value as object))
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/parameters/:component/:vhost/:parameter', access: 'policymaker',
    doc: 'Forgets a parameter.',
    async handle({ door, user, vhost, params }) {
      parameterNamed(vhost, params.component, params.parameter)
      checkTag(user, 'administrator')
      if (!await components.get(params.component)!.delete(door, vhost, params.parameter)) throw noSuchObject()
      return noContent()
    },
  }),
]
