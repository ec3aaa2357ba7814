// @golevelup/nestjs-rabbitmq, as an application uses it: handlers that are decorated methods of a
// provider, and an AmqpConnection to publish and to ask with. It recovers by itself
// (amqp-connection-manager).
import 'reflect-metadata'
import { Injectable, Module } from '@nestjs/common'
import type { INestApplicationContext, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { AmqpConnection, Nack, RabbitMQModule, RabbitRPC, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq'
import type { ConsumeMessage } from 'amqplib'
import { brokerRestart, Inbox, largeBody, play, sha256, url } from '../transcript.mjs'

const exchange = 'golevelup'

interface Job {
  body: string
  raw: ConsumeMessage
  /** What the handler returns: a Nack, or nothing for an ack. */
  settle: (answer?: Nack) => void
}

/** Hands a delivery to the scenario and waits for its verdict. */
function hand(inbox: Inbox<Job>, body: string, raw: ConsumeMessage): Promise<unknown> {
  return new Promise((settle) => {
    inbox.put({ body, raw, settle })
  })
}

const jobs = new Inbox<Job>()
const events = new Inbox<{ subscriber: string, event: string }>()

@Injectable()
class Work {
  @RabbitSubscribe({ exchange, routingKey: 'work', queue: 'golevelup.work' })
  take(body: string, raw: ConsumeMessage): Promise<unknown> {
    return hand(jobs, body, raw)
  }
}

@Injectable()
class DeadLetters {
  @RabbitSubscribe({
    exchange, routingKey: 'bad', queue: 'golevelup.dead-letters',
    queueOptions: { deadLetterExchange: '', deadLetterRoutingKey: 'golevelup.dead' },
  })
  take(body: string, raw: ConsumeMessage): Promise<unknown> {
    return hand(jobs, body, raw)
  }

  @RabbitSubscribe({ exchange, routingKey: 'dead', queue: 'golevelup.dead' })
  bury(body: string, raw: ConsumeMessage): Promise<unknown> {
    return hand(jobs, body, raw)
  }
}

@Injectable()
class Upper {
  @RabbitRPC({ exchange, routingKey: 'upper', queue: 'golevelup.upper' })
  upper(word: string): string {
    return word.toUpperCase()
  }
}

@Injectable()
class Subscribers {
  @RabbitSubscribe({ exchange, routingKey: 'order.*', queue: 'golevelup.first' })
  first(event: string): void {
    events.put({ subscriber: 'first', event })
  }

  @RabbitSubscribe({ exchange, routingKey: 'order.created', queue: 'golevelup.second' })
  second(event: string): void {
    events.put({ subscriber: 'second', event })
  }
}

@Injectable()
class Many {
  @RabbitSubscribe({
    exchange, routingKey: 'many', queue: 'golevelup.many', queueOptions: { channel: 'wide' },
  })
  take(body: string, raw: ConsumeMessage): Promise<unknown> {
    return hand(jobs, body, raw)
  }
}

@Injectable()
class Live {
  @RabbitSubscribe({ exchange, routingKey: 'live', queue: 'golevelup.live' })
  take(body: string, raw: ConsumeMessage): Promise<unknown> {
    return hand(jobs, body, raw)
  }
}

@Module({})
class ScenarioModule {}

/** An application with this one provider. */
async function open(provider: Type): Promise<{ app: INestApplicationContext, amqp: AmqpConnection }> {
  const rabbit = RabbitMQModule.forRoot({
    uri: url, exchanges: [{ name: exchange, type: 'topic' }], prefetchCount: 1,
    channels: { narrow: { prefetchCount: 1, default: true }, wide: { prefetchCount: 100 } },
    connectionManagerOptions: { reconnectTimeInSeconds: 1 },
  })
  const module = { module: ScenarioModule, imports: [rabbit], providers: [provider] }
  const app = await NestFactory.createApplicationContext(module, { logger: false })
  await app.init()
  return { app, amqp: app.get(AmqpConnection) }
}

async function close(app: INestApplicationContext, amqp: AmqpConnection, ...queues: string[]): Promise<void> {
  for (const queue of queues) await amqp.managedChannel.deleteQueue(queue)
  await app.close()
}

await play({
  async work(say) {
    const { app, amqp } = await open(Work)
    for (const body of ['one', 'two', 'three']) {
      await amqp.publish(exchange, 'work', body, { persistent: true, contentType: 'text/plain' })
    }
    for (let n = 0; n < 3; n++) {
      const { body, raw, settle } = await jobs.take()
      const { contentType, deliveryMode } = raw.properties
      say({ body, redelivered: raw.fields.redelivered, contentType, deliveryMode })
      settle()
    }
    await close(app, amqp, 'golevelup.work')
  },

  async 'dead-letters'(say) {
    const { app, amqp } = await open(DeadLetters)
    await amqp.publish(exchange, 'bad', 'bad')
    for (const requeue of [true, false]) {
      const { body, raw, settle } = await jobs.take()
      say({ body, redelivered: raw.fields.redelivered })
      settle(new Nack(requeue))
    }
    const { body, raw, settle } = await jobs.take()
    const [death] = raw.properties.headers?.['x-death'] ?? []
    say({ dead: body, reason: death?.reason, queue: death?.queue, count: death?.count })
    settle()
    await close(app, amqp, 'golevelup.dead-letters', 'golevelup.dead')
  },

  async 'request-reply'(say) {
    const { app, amqp } = await open(Upper)
    const words = ['a', 'b', 'c']
    const replies = await Promise.all(words.map((payload) =>
      amqp.request<string>({ exchange, routingKey: 'upper', payload })))
    words.forEach((word, n) => say({ asked: word, reply: replies[n] }))
    await close(app, amqp, 'golevelup.upper')
  },

  async events(say) {
    const { app, amqp } = await open(Subscribers)
    await amqp.publish(exchange, 'order.created', 'created')
    const seen = [await events.take(), await events.take()]
    for (const one of seen.toSorted((a, b) => a.subscriber.localeCompare(b.subscriber))) say({ ...one })
    await close(app, amqp, 'golevelup.first', 'golevelup.second')
  },

  async large(say) {
    const { app, amqp } = await open(Work)
    await amqp.publish(exchange, 'work', largeBody.toString())
    const { body, settle } = await jobs.take()
    say({ bytes: body.length, sha256: sha256(Buffer.from(body)) })
    settle()
    await close(app, amqp, 'golevelup.work')
  },

  async many(say) {
    const { app, amqp } = await open(Many)
    const numbers = Array.from({ length: 5_000 }, (_, n) => String(n))
    // Each is done when the broker has confirmed it.
    const outcomes = await Promise.all(numbers.map((body) => amqp.publish(exchange, 'many', body)))
    say({ sent: outcomes.length })
    let inOrder = true
    for (const expected of numbers) {
      const { body, settle } = await jobs.take()
      inOrder &&= body === expected
      settle()
    }
    say({ received: numbers.length, inOrder })
    await close(app, amqp, 'golevelup.many')
  },

  async reconnect(say) {
    const { app, amqp } = await open(Live)
    await amqp.managedChannel.assertQueue('golevelup.kept', { durable: true })
    await amqp.publish('', 'golevelup.kept', 'kept', { persistent: true })
    await amqp.publish(exchange, 'live', 'before')
    const before = await jobs.take()
    say({ body: before.body })
    before.settle()
    await brokerRestart(say)

    // Kept until it is connected again.
    await amqp.publish(exchange, 'live', 'after')
    const after = await jobs.take()
    say({ body: after.body })
    after.settle()
    const survivor = await amqp.managedChannel.get('golevelup.kept', { noAck: true })
    if (survivor === false) throw new Error('the persistent message is gone')
    say({ body: JSON.parse(survivor.content.toString()), deliveryMode: survivor.properties.deliveryMode })
    await close(app, amqp, 'golevelup.live', 'golevelup.kept')
  },
})
