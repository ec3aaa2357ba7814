// /api/policies, /api/operator-policies and /api/vhost-limits.
import { z } from 'zod'
import { describePolicy } from '../../broker/definitions-export.ts'
import { readVHostLimits } from '../../broker/limits.ts'
import type { Policy, PolicyKind } from '../../broker/policies.ts'
import { deletePolicy, putPolicy } from '../../broker/policy-changes.ts'
import { printTerm } from '../../broker/refusal.ts'
import type { VHost } from '../../broker/vhost.ts'
import type { PolicyValue } from '../../queues/policy-keys.ts'
import { visibleVHosts } from '../access.ts'
import { json, listing, noContent, put } from '../answer.ts'
import type { Listing } from '../answer.ts'
import { whenDefined, whenRecorded } from '../durability.ts'
import { endpoint } from '../endpoint.ts'
import type { Endpoint } from '../endpoint.ts'
import { noSuchObject } from '../errors.ts'
import { newName } from '../schemas.ts'
import { valueOf } from './users.ts'

const refused = (what: string, wanted: string) => ({ input }: { readonly input?: unknown }): string =>
  `Validation failed\n\n${what} should be a ${wanted} but was ${printTerm(input)}\n`

export const policyBody = z.object({
  'pattern': z.string({ error: refused('pattern', 'binary') }),
  'definition': z.record(z.string(), z.json() as z.ZodType<PolicyValue>, {
    error: refused('definition', 'map'),
  }),
  'priority': z.number().int().default(0), 'apply-to': z.string().default('all'),
})

interface PlacedPolicy {
  readonly vhost: VHost
  readonly policy: Policy
}

const show = ({ vhost, policy }: PlacedPolicy): object => ({ vhost: vhost.name, ...describePolicy(policy) })

function list(vhosts: readonly VHost[], kind: PolicyKind): Listing {
  const rows = vhosts.flatMap((vhost) => vhost.policies.list(kind).map((policy) => ({ vhost, policy })))
  return listing(rows, { name: ({ policy }) => policy.name, vhost: ({ vhost }) => vhost.name, show })
}

/** The same set of endpoints for both kinds; only administrators write operator policies (RabbitMQ). */
function ofKind(kind: PolicyKind, segment: string, writer: 'policymaker' | 'administrator'): Endpoint[] {
  const what = kind === 'policy' ? 'policy' : 'operator policy'
  return [
    endpoint({
      method: 'GET', path: `/api/${segment}`, access: 'management', list: 'plain',
      doc: `Every ${what} of the vhosts that the user may enter.`,
      handle: ({ door, user }) => list(user === null ? [] : visibleVHosts(door.broker, user), kind),
    }),
    endpoint({
      method: 'GET', path: `/api/${segment}/:vhost` as '/api/policies/:vhost', access: 'management',
      list: 'plain', doc: `Every ${what} of a vhost.`,
      handle: ({ vhost }) => list([vhost], kind),
    }),
    endpoint({
      method: 'GET', path: `/api/${segment}/:vhost/:policy` as '/api/policies/:vhost/:policy',
      access: 'management', doc: `One ${what}.`,
      handle({ vhost, params }) {
        const policy = vhost.policies.find(kind, params.policy)
        if (policy === null) throw noSuchObject()
        return json(show({ vhost, policy }))
      },
    }),
    endpoint({
      method: 'PUT', path: `/api/${segment}/:vhost/:policy` as '/api/policies/:vhost/:policy',
      access: writer, body: policyBody,
      doc: `Sets a ${what}: \`pattern\`, \`definition\`, \`priority\`, \`apply-to\`. In force at once.`,
      async handle({ vhost, params, body }) {
        const { pattern, definition, priority, 'apply-to': applyTo } = body
        const policy = { name: newName(params.policy), pattern, definition, priority }
        const isNew = putPolicy(vhost, kind, { ...policy, applyTo: applyTo as Policy['applyTo'] })
        await whenDefined(vhost)
        return put(isNew)
      },
    }),
    endpoint({
      method: 'DELETE', path: `/api/${segment}/:vhost/:policy` as '/api/policies/:vhost/:policy',
      access: writer, doc: `Takes a ${what} out of force and deletes it.`,
      async handle({ vhost, params }) {
        if (!deletePolicy(vhost, kind, params.policy)) throw noSuchObject()
        await whenDefined(vhost)
        return noContent()
      },
    }),
  ]
}

const limited = (vhosts: readonly VHost[]): Listing => listing(
  vhosts.filter(({ facts }) => Object.keys(facts.limits).length > 0), {
    name: ({ name }) => name, vhost: () => '',
    show: ({ name, facts }) => ({ vhost: name, value: facts.limits }),
  })

export const policyEndpoints = [
  ...ofKind('policy', 'policies', 'policymaker'),
  ...ofKind('operator-policy', 'operator-policies', 'administrator'),
  endpoint({
    method: 'GET', path: '/api/vhost-limits', access: 'management', list: 'plain', doc: 'Vhosts with limits.',
    handle: ({ door, user }) => limited(visibleVHosts(door.broker, user)),
  }),
  endpoint({
    method: 'GET', path: '/api/vhost-limits/:vhost', access: 'management', list: 'plain',
    doc: 'The limits of one vhost, in a list.',
    handle: ({ vhost }) => limited([vhost]),
  }),
  endpoint({
    method: 'PUT', path: '/api/vhost-limits/:vhost/:limit', access: 'administrator',
    body: z.object({ value: z.unknown() }),
    doc: 'Sets `max-connections` or `max-queues` to `value`; negative is no limit.',
    async handle({ door: { broker }, vhost, params, body }) {
      const limits = readVHostLimits({ ...vhost.facts.limits, [params.limit]: valueOf(body) })
      broker.recordVHost(vhost.name, { ...vhost.facts, limits })
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
  endpoint({
    method: 'DELETE', path: '/api/vhost-limits/:vhost/:limit', access: 'administrator', doc: 'Ends a limit.',
    async handle({ door: { broker }, vhost, params }) {
      const kept = Object.entries(vhost.facts.limits).filter(([name]) => name !== params.limit)
      broker.recordVHost(vhost.name, { ...vhost.facts, limits: Object.fromEntries(kept) })
      await whenRecorded(broker.records)
      return noContent()
    },
  }),
]
