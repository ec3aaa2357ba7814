// The Prometheus text: every row, RabbitMQ's names, label values that need escaping.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenHttp } from '../test/http/open-http.ts'
import { metrics } from './metrics.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await OpenHttp.start()
})

afterEach(() => http.close())

test('has type, help and value of every row', async () => {
  const answer = await http.call('GET', '/metrics', { login: false })
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  for (const { name, type } of metrics) {
    expect(answer.text).toContain(`# TYPE ${name} ${type}\n# HELP ${name} `)
    expect(answer.text).toMatch(new RegExp(`^${name}(\\{.*\\})? (?:[0-9.e+-]+|\\+Inf)$`, 'm'))
  }
})

test('counts and labels as RabbitMQ does', async () => {
  Object.assign(http.vhost.traffic, { published: 100, deliveredManualAck: 40, gotAutoAck: 10 })
  const { text } = await http.call('GET', '/metrics')
  expect(text).toContain('\nrabbitmq_global_messages_received_total{protocol="amqp091"} 100\n')
  expect(text).toContain('\nrabbitmq_global_messages_delivered_total{protocol="amqp091"} 50\n')
})

test('shows alarms as 0 and 1, and a limit that is not there as infinite', async () => {
  http.broker.alarms.isDiskLow = true
  const { text } = await http.call('GET', '/metrics')
  expect(text).toContain('\nleveret_store_damaged_messages 3\n')
  expect(text).toContain('\nrabbitmq_alarms_memory_used_watermark 0\n')
  expect(text).toContain('\nrabbitmq_alarms_free_disk_space_watermark 1\n')
  expect(text).toContain('\nrabbitmq_resident_memory_limit_bytes +Inf\n')
  const check = await http.call('GET', '/api/health/checks/alarms')
  expect([check.status, check.json]).toMatchObject([503, { alarms: [{ resource: 'disk space' }] }])
})

test('tells how long things take, in seconds', async () => {
  http.broker.counters.confirmTimes.add(3, 4)
  http.node.commitTimes.add(2000)
  const { text } = await http.call('GET', '/metrics')
  expect(text).toContain('\nleveret_confirm_latency_seconds_bucket{le="0.0025"} 0\n')
  expect(text).toContain('\nleveret_confirm_latency_seconds_bucket{le="0.005"} 4\n')
  expect(text).toContain('\nleveret_confirm_latency_seconds_sum 0.012\n')
  expect(text).toContain('\nleveret_commit_latency_seconds_bucket{le="2.5"} 1\n')
  expect(text).toContain('\nleveret_commit_latency_seconds_bucket{le="+Inf"} 1\n')
})

test('tells how old the oldest message is, and why messages were dead-lettered', async () => {
  const args = { 'x-dead-letter-exchange': 'amq.topic', 'x-max-length': 1 }
  await http.call('PUT', '/api/queues/%2F/q', { body: { arguments: args } })
  http.clock.travel(60_000)
  const body = { properties: {}, routing_key: 'q', payload: 'x', payload_encoding: 'string' }
  for (let n = 0; n < 2; n++) await http.call('POST', '/api/exchanges/%2F/amq.default/publish', { body })
  http.clock.travel(5000)
  const { text } = await http.call('GET', '/metrics')
  expect(text).toContain('\nleveret_oldest_message_age_seconds 5\n')
  expect(text).toContain('\nrabbitmq_global_messages_dead_lettered_maxlen_total{protocol="amqp091"} 1\n')
  expect((await http.call('GET', '/metrics/per-object')).text)
    .toContain('\nleveret_queue_head_age_seconds{vhost="/",queue="q"} 5\n')
})

test('escapes label values', async () => {
  const { text } = await http.call('GET', '/metrics')
  expect(text).toContain(String.raw`rabbitmq_node="rabbit@\"burrow\""`)
})

test('has no name twice', () => {
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
})

test('says how large bodies are in steps that dashboards select', async () => {
  for (const size of [50, 100, 5000, 2e6]) http.broker.counters.sizes.add(size)
  const { text } = await http.call('GET', '/metrics')
  for (const line of ['le="100.0"} 2', 'le="1000.0"} 2', 'le="10000.0"} 3', 'le="1e+06"} 3', 'le="1e+07"} 4',
    'le="+Inf"} 4']) {
    expect(text).toContain(`rabbitmq_message_size_bytes_bucket{protocol="amqp091",${line}\n`)
  }
  expect(text).toContain('rabbitmq_message_size_bytes_sum{protocol="amqp091"} 2005150\n')
})

test('per object names every queue, and no family twice', async () => {
  await http.call('PUT', '/api/queues/%2F/q%22', { body: {} })
  const { text } = await http.call('GET', '/metrics/per-object')
  expect(text).toContain(String.raw`rabbitmq_queue_messages_ready{vhost="/",queue="q\""} 0`)
  expect(text).toContain('rabbitmq_endpoint="per-object"')
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  expect(families).toEqual([...new Set(families)])
})

test('detailed gives the families that are asked for, and of other vhosts nothing', async () => {
  await http.call('PUT', '/api/queues/%2F/q', { body: {} })
  const of = (query: string) => http.call('GET', `/metrics/detailed?${query}`).then(({ text }) =>
    [...text.matchAll(/^(rabbitmq_detailed_\w+)\{/gm)].map(([, name]) => name))
  expect(await of('family=queue_consumer_count')).toEqual(['rabbitmq_detailed_queue_consumers'])
  expect(await of('family=queue_consumer_count&family=queue_coarse_metrics')).toHaveLength(4)
  expect(await of('family=queue_consumer_count&vhost=nosuch')).toEqual([])
  expect(await of('')).toEqual([])
})
