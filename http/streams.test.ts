// Streams over real sockets: Server-Sent Events of a queue and of an exchange, and a queue over a WebSocket.
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Queue } from '../queues/queue.ts'
import { OpenHttp } from '../test/http/open-http.ts'
import { startHttp } from './door.ts'
import type { RunningHttp } from './door.ts'

let http: OpenHttp
let running: RunningHttp
let queue: Queue
const headers = { authorization: `Basic ${Buffer.from('hare:pass:word').toString('base64')}` }

beforeAll(async () => {
  http = await OpenHttp.start()
  const log = { error: (fields: unknown) => http.logged.push(fields) }
  running = await startHttp({ host: '127.0.0.1', port: 0, prometheusPort: null, door: http, log })
})

beforeEach(async () => {
  for (const connection of [...http.broker.connections]) connection.drop()
  await http.call('DELETE', '/api/queues/%2F/q')
  await http.call('PUT', '/api/queues/%2F/q', { body: { durable: true } })
  queue = http.vhost.findQueue('q')!
})

afterAll(async () => {
  await running.close()
  await http.close()
})

async function publish(...texts: readonly string[]): Promise<void> {
  const body = texts.map((text) => ({ routing_key: 'q', body: text }))
  await http.call('POST', '/api/v1/publish/%2F/amq.default', { body })
}

/** A condition that is awaited, on a busy machine, too. */
const generous = { timeout: 20_000 }

/** Events as they come: name and data. */
class Listener {
  readonly events: [string, Record<string, unknown>][] = []
  private readonly cut = new AbortController()

  static async open(path: string): Promise<Listener> {
    const listener = new Listener()
    const answer = await fetch(`${running.url}${path}`, {
      headers: { ...headers, accept: 'text/event-stream' }, signal: listener.cut.signal,
    })
    if (answer.headers.get('content-type') !== 'text/event-stream') throw new Error(await answer.text())
    void listener.read(answer.body!)
    return listener
  }

  bodies(): unknown[] {
    return this.events.map(([, { body }]) => body)
  }

  leave(): void {
    this.cut.abort()
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = ''
    try {
      for await (const chunk of body) {
        text += Buffer.from(chunk).toString('utf8')
        const blocks = text.split('\n\n')
        text = blocks.pop()!
        for (const block of blocks) this.take(block)
      }
    } catch (error) {
      if (!this.cut.signal.aborted) throw error
    }
  }

  private take(block: string): void {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
    if (event !== undefined) this.events.push([event, JSON.parse(data!) as Record<string, unknown>])
  }
}

describe('a stream of events', () => {
  test('has the messages of a queue, those that were there first', async () => {
    await publish('early')
    const listener = await Listener.open('/api/v1/queues/%2F/q/stream')
    await publish('late', 'latest')
    await expect.poll(() => listener.bodies(), generous).toEqual(['early', 'late', 'latest'])
    expect([queue.readyCount, queue.unackedCount]).toEqual([0, 0])
    listener.leave()
    await expect.poll(() => [queue.consumers.count, http.broker.connections.size], generous).toEqual([0, 0])
  })

  test('ends with its queue, and says so', async () => {
    const listener = await Listener.open('/api/v1/queues/%2F/q/stream')
    await http.call('DELETE', '/api/queues/%2F/q')
    const reason = 'queue \'q\' in vhost \'/\' was deleted'
    await expect.poll(() => listener.events, generous).toEqual([['end', { reason }]])
  })

  test('gets no more than it can hold while nobody reads', async () => {
    const answer = await fetch(`${running.url}/api/v1/queues/%2F/q/stream`, { headers })
    const megabyte = 'x'.repeat(1024 * 1024)
    for (let n = 0; n < 40; n++) await publish(megabyte)
    expect(queue.readyCount).toBeGreaterThan(0)
    await answer.body!.cancel()
    await expect.poll(() => queue.consumers.count, generous).toBe(0)
  })

  test('follows an exchange through a queue of its own, which goes with it', async () => {
    const listener = await Listener.open('/api/v1/exchanges/%2F/amq.topic/tail?key=order.%23')
    expect(http.vhost.queues.size).toBe(2)
    for (const key of ['order.new', 'bill.new', 'order.paid']) {
      await http.call('POST', `/api/v1/publish/%2F/amq.topic/${key}`, { body: key })
    }
    await expect.poll(() => listener.bodies(), generous).toEqual(['order.new', 'order.paid'])
    listener.leave()
    await expect.poll(() => http.vhost.queues.size, generous).toBe(1)
  })

  test('is refused like any request', async () => {
    http.broker.access.permit('nobody', '/', { configure: '', write: '.*', read: '.*' })
    const tail = (exchange: string): string => `/api/v1/exchanges/%2F/${exchange}/tail`
    expect((await http.call('GET', tail('amq.topic'), { user: 'nobody' })).status).toBe(401)
    expect((await http.call('GET', tail('none'))).status).toBe(404)
    expect((await http.call('GET', '/api/v1/queues/%2F/none/stream')).status).toBe(404)
    expect((await http.call('HEAD', '/api/v1/queues/%2F/q/stream')).status).toBe(405)
    expect([http.broker.connections.size, http.vhost.queues.size]).toEqual([0, 1])
  })
})

describe('a WebSocket', () => {
  const urlOf = (path: string): string => `${running.url.replace('http', 'ws')}${path}`

  interface Received { readonly tag?: number; readonly body: string; readonly redelivered: boolean }

  async function open(query = ''): Promise<{ socket: WebSocket; received: Received[] }> {
    const socket = new WebSocket(urlOf(`/api/v1/ws/queues/%2F/q${query}`), { headers })
    const received: Received[] = []
    socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString('utf8')) as Received))
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return { socket, received }
  }

  const send = (socket: WebSocket, words: object): void => socket.send(JSON.stringify(words))

  test('gets as many messages as its prefetch, and more for its acks', async () => {
    await publish('a', 'b', 'c', 'd')
    const { socket, received } = await open('?prefetch=2')
    await expect.poll(() => received.map(({ tag, body }) => [tag, body]), generous)
      .toEqual([[1, 'a'], [2, 'b']])
    expect([queue.readyCount, queue.unackedCount]).toEqual([2, 2])
    send(socket, { ack: [1, 2] })
    await expect.poll(() => received.length, generous).toBe(4)
    send(socket, { nack: 3, reject: [4] })
    await expect.poll(() => received.slice(4), generous)
      .toMatchObject([{ tag: 5, body: 'c', redelivered: true }])
    socket.close()
    await expect.poll(() => [queue.readyCount, queue.unackedCount], generous).toEqual([1, 0])
  })

  test('without acks loses what it was sent', async () => {
    await publish('a')
    const { socket, received } = await open('?ack=auto')
    await expect.poll(() => received, generous).toMatchObject([{ body: 'a' }])
    expect([received[0]!.tag, queue.unackedCount]).toEqual([undefined, 0])
    socket.close()
    await expect.poll(() => http.broker.connections.size, generous).toBe(0)
  })

  test.each([
    ['{"ack":7}', 'unknown delivery tag 7'],
    ['{"ack":"x"}', 'expected {"ack":TAG}, "nack" or "reject", with a tag or an array'],
    ['no JSON', 'expected {"ack":TAG}, "nack" or "reject", with a tag or an array'],
  ])('that says %s is closed with a reason, and its messages go back', async (words, reason) => {
    await publish('a')
    const { socket } = await open()
    const closed = new Promise((resolve) => {
      socket.once('close', (code, why) => resolve([code, why.toString('utf8')]))
    })
    socket.send(words)
    expect(await closed).toEqual([1008, reason])
    expect([queue.readyCount, queue.unackedCount]).toEqual([1, 0])
  })

  test('is told when its queue is deleted', async () => {
    const { socket } = await open()
    const closed = new Promise((resolve) => {
      socket.once('close', (code, why) => resolve([code, why.toString('utf8')]))
    })
    await http.call('DELETE', '/api/queues/%2F/q')
    expect(await closed).toEqual([1001, 'queue \'q\' in vhost \'/\' was deleted'])
  })

  test.each([
    ['/api/v1/ws/queues/%2F/q', {}, 401], ['/api/v1/ws/queues/%2F/none', headers, 404],
    ['/elsewhere', headers, 404],
    ['/api/v1/ws/queues/%2F/q?prefetch=0', headers, 400], ['/api/v1/ws/queues/%2F/%', headers, 400],
    ['/api/v1/ws/queues/%2F/q', { ...headers, origin: 'https://elsewhere.example' }, 403],
  ])('%s with %j is refused by %i', async (path, sent, status) => {
    const socket = new WebSocket(urlOf(path), { headers: sent as Record<string, string> })
    const refused = await new Promise<number>((resolve) => {
      socket.once('error', () => {})
      socket.once('unexpected-response', (_request, answer) => resolve(answer.statusCode!))
    })
    expect([refused, queue.consumers.count, http.logged]).toEqual([status, 0, []])
  })

  // `new URL` throws for each of these, which once ended the broker.
  test.each(['//', '///x', 'http://', 'http://[', '*'])('at %s is nowhere', async (target) => {
    const head = [`GET ${target} HTTP/1.1`, 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket',
      'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', '']
    const socket = connect(Number(new URL(running.url).port), '127.0.0.1')
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      socket.on('data', (chunk) => text += chunk.toString()).once('error', reject)
      socket.once('close', () => resolve(text))
      socket.write(head.join('\r\n'))
    })
    expect([answer.split('\r\n')[0], http.logged]).toEqual(['HTTP/1.1 404 Not Found', []])
  })
})
