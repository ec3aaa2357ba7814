// POST /api/v1/explain: where a message would go and why, and whether its publisher may send it there.
// Nothing is published, and no exchange notices.
import { z } from 'zod'
import type { Access } from '../../broker/access.ts'
import type { VHost } from '../../broker/vhost.ts'
import { explainRoute } from '../../exchanges/explanation.ts'
import type { ExplainedBinding, ExplainedExchange } from '../../exchanges/explanation.ts'
import type { Exchange } from '../../exchanges/exchange.ts'
import { ContentHeader } from '../../protocol/content-header.ts'
import { senderSelectedKeys } from '../../protocol/sender-selected.ts'
import { checkExplained, visibleVHost } from '../access.ts'
import { json } from '../answer.ts'
import { endpoint } from '../endpoint.ts'
import { encodeDraftProperties } from '../message-json.ts'
import { shortText, text } from '../schemas.ts'
import { tableToObject } from '../table-as-json.ts'

/** Bindings that do not match, of one exchange. */
const OTHERS_MAX = 100

const question = z.strictObject({
  vhost: text, exchange: shortText, routing_key: shortText.default(''),
  headers: z.record(z.string(), z.unknown(), { error: 'headers: not_an_object' }).default({}),
  properties: z.record(z.string(), z.unknown(), { error: 'properties: not_an_object' }).default({}),
  user: text.optional(),
})

function describeBinding(binding: ExplainedBinding): object {
  const { destination, routingKey, args, isMatch, why } = binding
  return {
    destination: destination.name, destination_type: destination.kind, routing_key: routingKey,
    arguments: tableToObject(args), matches: isMatch, why,
  }
}

function describeExchange({ exchange, from, bindings, alternate }: ExplainedExchange): object {
  const matching = bindings.filter(({ isMatch }) => isMatch)
  const others = bindings.filter(({ isMatch }) => !isMatch)
  return {
    exchange: exchange.name, type: exchange.type.name,
    reached: from === null ? 'published to'
      : `${from.by === 'binding' ? 'by a binding of' : 'as the alternate of'} '${from.exchange.name}'`,
    bindings: [...matching, ...others.slice(0, OTHERS_MAX)].map(describeBinding),
    left_out: Math.max(0, others.length - OTHERS_MAX),
    ...alternate !== null && {
      alternate_exchange: {
        name: alternate.name, why: `no binding matches${alternate.isThere ? '' : ', but it is not there'}`,
      },
    },
  }
}

/** What the user's permissions say of publishing there, in the order in which they are asked. */
function describePermission(access: Access, exchange: Exchange, keys: readonly string[]): object {
  const name = exchange.name === '' ? 'amq.default' : exchange.name
  const { permission } = access
  if (permission === null) return refused(access, `no permissions in vhost '${access.vhost}'`)
  const topic = access.limitsTopics(exchange) ? access.topicPermissions.get(exchange.name)! : null
  const patterns = { write: permission.write, ...topic !== null && { topic_write: topic.write } }
  if (!access.may('write', name)) return refused(access, `'${name}' does not fit the write pattern`, patterns)
  if (exchange.flags.isInternal) return refused(access, `'${name}' is internal`, patterns)
  const key = keys.find((each) => !access.mayUseTopic('write', exchange, each))
  if (key !== undefined) return refused(access, `key '${key}' does not fit the topic's pattern`, patterns)
  return { user: access.user, allowed: true, why: `'${name}' fits the write pattern`, patterns }
}

function refused({ user }: Access, why: string, patterns: object = {}): object {
  return { user, allowed: false, why, patterns }
}

function explain(vhost: VHost, access: Access, asked: z.infer<typeof question>): object {
  const exchange = vhost.getExchange(asked.exchange === 'amq.default' ? '' : asked.exchange)
  const { headers, properties } = asked
  const encoded = encodeDraftProperties({ ...properties, ...Object.keys(headers).length > 0 && { headers } })
  const header = new ContentHeader()
  header.readProperties(encoded, 0, encoded.length)
  const keys = senderSelectedKeys(header, asked.routing_key)
  const { exchanges, queues } = explainRoute(exchange, {
    keys, headers: header, random: vhost.random,
    findExchange: (name) => vhost.findExchange(name), hasQueue: (name) => vhost.findQueue(name) !== null,
  })
  return {
    routed: queues.length > 0, queues, permission: describePermission(access, exchange, keys),
    exchanges: exchanges.map(describeExchange),
  }
}

export const explainEndpoints = [
  endpoint({
    method: 'POST', path: '/api/v1/explain', access: 'management', body: question,
    doc: 'Where a message to `exchange` with `routing_key`, `headers` and `properties` would go: of every '
      + 'exchange that '
      + 'it passes, by bindings or as an alternate, which bindings match and which do not, and why. And '
      + 'whether '
      + '`user` (oneself; others for administrators) may publish it.',
    handle({ door: { broker }, user, body }) {
      const vhost = visibleVHost(broker, user, body.vhost)
      const name = checkExplained(broker, user, body.user ?? user.name)
      return json(explain(vhost, broker.access.accessOf(name, vhost.name), body))
    },
  }),
]
