// The program as people start it (dist/ must be built): tracing is off and OpenTelemetry is not loaded until
// somebody asks for it, and then it finds the SDK that --import brought.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connect } from 'amqplib'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ServerProcess } from '../../test/crash/server-process.ts'

const require = createRequire(import.meta.url)

let directory = ''
let server: ServerProcess | null = null
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leveret-tracing-'))
  for (const name of ['loaded', 'spans']) writeFileSync(join(directory, name), '')
})
afterEach(async () => {
  await server?.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** Notes what is imported, and, when it is asked to, brings an SDK that writes down each span. */
const PRELOADED = `
  import { appendFileSync } from 'node:fs'
  import { createRequire, register } from 'node:module'
  const [loaded, spans] = FILES
  const hook = \`import { appendFileSync } from 'node:fs'
    export async function resolve(specifier, context, next) {
      appendFileSync(\${JSON.stringify(loaded)}, specifier + '\\\\n')
      return next(specifier, context)
    }\`
  register('data:text/javascript,' + encodeURIComponent(hook))
  if (BRINGS_SDK) {
    const require = createRequire(HERE)
    const { trace } = require('@opentelemetry/api')
    const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base')
    const exporter = {
      export(batch, done) {
        for (const { name, parentSpanContext } of batch) {
          appendFileSync(spans, JSON.stringify([name, parentSpanContext?.spanId]) + '\\n')
        }
        done({ code: 0 })
      },
      async shutdown() {},
    }
    const spanProcessors = [new SimpleSpanProcessor(exporter)]
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))
  }
`

async function start(env: NodeJS.ProcessEnv, bringsSdk: boolean): Promise<ServerProcess> {
  const preloaded = join(directory, 'otel.mjs')
  const files = JSON.stringify(['loaded', 'spans'].map((name) => join(directory, name)))
  writeFileSync(preloaded, PRELOADED.replace('FILES', files).replace('BRINGS_SDK', String(bringsSdk))
    .replace('HERE', JSON.stringify(require.resolve('@opentelemetry/sdk-trace-base'))))
  server = new ServerProcess(join(directory, 'data'), {
    ...env, NODE_OPTIONS: `--import ${pathToFileURL(preloaded).href}`,
  })
  await server.started()
  const client = await connect(`amqp://127.0.0.1:${server.amqpPort}`)
  const channel = await client.createConfirmChannel()
  await channel.assertQueue('q')
  const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
  channel.sendToQueue('q', Buffer.from('x'), { headers })
  await channel.waitForConfirms()
  expect(await channel.get('q', { noAck: true })).not.toBe(false)
  await client.close()
  return server
}

const linesOf = (name: string): string[] => readFileSync(join(directory, name), 'utf8').trim().split('\n')

it('tracing is off, and OpenTelemetry is not loaded then', async () => {
  await start({}, true)
  expect(linesOf('loaded').some((specifier) => specifier.includes('server'))).toBe(true)
  expect(linesOf('loaded').filter((specifier) => /opentelemetry|message-spans/.test(specifier))).toEqual([])
  expect(linesOf('spans')).toEqual([''])
})

it('tracing that is on gives its spans to the SDK that was loaded before', async () => {
  const { stderr } = await start({ LEVERET_TRACING: 'true' }, true)
  expect(linesOf('loaded')).toContain('@opentelemetry/api')
  await vi.waitFor(() => expect(linesOf('spans').map((line) => JSON.parse(line) as unknown)).toEqual(
    ['publish amq.default', 'queue q', 'get q'].map((name) => [name, '00f067aa0ba902b7'])),
  { timeout: 10_000 })
  expect(stderr).not.toContain('tracing')
})

it('tracing that is on without an SDK says that its spans go nowhere', async () => {
  const { stderr } = await start({ LEVERET_TRACING: 'true' }, false)
  expect(stderr).toContain('no OpenTelemetry SDK is registered')
  expect(stderr.trim().split('\n')).toHaveLength(1)
})
