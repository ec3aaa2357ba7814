// @nestjs/microservices with its RMQ transport, as an application uses it: controllers with patterns on
// one side, a client proxy on the other. It recovers by itself (amqp-connection-manager).
import 'reflect-metadata'
import { Controller, Logger, Module } from '@nestjs/common'
import type { INestMicroservice, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  ClientProxyFactory, Ctx, EventPattern, MessagePattern, Payload, RmqContext, RmqRecordBuilder, Transport,
} from '@nestjs/microservices'
import type { ClientProxy, RmqOptions } from '@nestjs/microservices'
import { filter, firstValueFrom, skipWhile } from 'rxjs'
import { brokerRestart, Inbox, largeBody, play, sha256, url } from './transcript.mjs'

type Options = NonNullable<RmqOptions['options']>

Logger.overrideLogger(false)
const socketOptions = { reconnectTimeInSeconds: 1 }
// Nest deletes no queue, so the broker does when ten minutes have passed.
const queueOptions = { durable: true, expires: 600_000 }

@Module({})
class ScenarioModule {}

/** An application with this one controller. */
async function serve(controller: Type, options: Options): Promise<INestMicroservice> {
  const app = await NestFactory.createMicroservice({ module: ScenarioModule, controllers: [controller] }, {
    transport: Transport.RMQ, logger: false, options: { urls: [url], socketOptions, ...options },
  })
  await app.listen()
  return app
}

/** A client consumes only replies, through amq.rabbitmq.reply-to, which has no acknowledgements. */
function clientOf(options: Options): ClientProxy {
  return ClientProxyFactory.create({
    transport: Transport.RMQ, options: { urls: [url], socketOptions, ...options, noAck: true },
  })
}

interface Job {
  body: string
  context: RmqContext
}

const jobs = new Inbox<Job>()

@Controller()
class JobController {
  @EventPattern('job')
  take(@Payload() body: string, @Ctx() context: RmqContext): void {
    jobs.put({ body, context })
  }
}

@Controller()
class UpperController {
  @MessagePattern({ cmd: 'upper' })
  upper(@Payload() word: string): string {
    return word.toUpperCase()
  }

  @MessagePattern({ cmd: 'echo' })
  echo(@Payload() text: string): string {
    return text
  }
}

function subscriber(name: string, inbox: Inbox<{ subscriber: string, event: string }>): Type {
  @Controller()
  class SubscriberController {
    @EventPattern('order')
    seen(@Payload() event: string): void {
      inbox.put({ subscriber: name, event })
    }
  }
  return SubscriberController
}

function ack({ context }: Job): void {
  context.getChannelRef().ack(context.getMessage())
}

async function close(...parts: { close(): unknown }[]): Promise<void> {
  for (const part of parts) await part.close()
}

await play({
  async work(say) {
    const options = { queue: 'nestjs.work', queueOptions, prefetchCount: 1, noAck: false }
    const client = clientOf(options)
    for (const body of ['one', 'two', 'three']) {
      const record = new RmqRecordBuilder(body)
        .setOptions({ contentType: 'text/plain', persistent: true })
        .build()
      await firstValueFrom(client.emit('job', record), { defaultValue: null })
    }
    const app = await serve(JobController, options)
    for (let n = 0; n < 3; n++) {
      const job = await jobs.take()
      const { fields, properties } = job.context.getMessage()
      say({
        body: job.body, redelivered: fields.redelivered, contentType: properties.contentType,
        deliveryMode: properties.deliveryMode,
      })
      ack(job)
    }
    await close(client, app)
  },

  async 'dead-letters'(say) {
    const deadOptions = { queue: 'nestjs.dead', queueOptions, noAck: false }
    const options = {
      queue: 'nestjs.dead-letters', noAck: false,
      queueOptions: { ...queueOptions, deadLetterExchange: '', deadLetterRoutingKey: 'nestjs.dead' },
    }
    const deadApp = await serve(JobController, deadOptions)
    const app = await serve(JobController, options)
    const client = clientOf(options)
    await firstValueFrom(client.emit('job', 'bad'), { defaultValue: null })
    for (const requeue of [true, false]) {
      const { body, context } = await jobs.take()
      say({ body, redelivered: context.getMessage().fields.redelivered })
      context.getChannelRef().reject(context.getMessage(), requeue)
    }
    const letter = await jobs.take()
    const [death] = letter.context.getMessage().properties.headers['x-death']
    say({ dead: letter.body, reason: death.reason, queue: death.queue, count: death.count })
    ack(letter)
    await close(client, app)
    await close(deadApp)
  },

  async 'request-reply'(say) {
    const options = { queue: 'nestjs.upper', queueOptions }
    const app = await serve(UpperController, options)
    const client = clientOf(options)
    const words = ['a', 'b', 'c']
    const replies = await Promise.all(words.map((word) =>
      firstValueFrom(client.send<string>({ cmd: 'upper' }, word))))
    words.forEach((word, n) => say({ asked: word, reply: replies[n] }))
    await close(client, app)
  },

  async events(say) {
    const inbox = new Inbox<{ subscriber: string, event: string }>()
    const fanout = {
      exchange: 'nestjs.orders', exchangeType: 'fanout', queueOptions: { exclusive: true },
    } as const
    const apps = await Promise.all(['first', 'second'].map((name) =>
      serve(subscriber(name, inbox), { ...fanout, queue: `nestjs.${name}` })))
    const client = clientOf(fanout)
    await firstValueFrom(client.emit('order', 'created'), { defaultValue: null })
    const seen = [await inbox.take(), await inbox.take()]
    for (const one of seen.toSorted((a, b) => a.subscriber.localeCompare(b.subscriber))) say({ ...one })
    await close(client, ...apps)
  },

  async large(say) {
    const options = { queue: 'nestjs.large', queueOptions, persistent: true }
    const app = await serve(UpperController, options)
    const client = clientOf(options)
    const echo = await firstValueFrom(client.send<string>({ cmd: 'echo' }, largeBody.toString()))
    say({ bytes: echo.length, sha256: sha256(Buffer.from(echo)) })
    await close(client, app)
  },

  async many(say) {
    const options = {
      queue: 'nestjs.many', queueOptions, prefetchCount: 100, noAck: false, persistent: true,
    }
    const client = clientOf(options)
    const numbers = Array.from({ length: 5_000 }, (_, n) => String(n))
    // An event is done when the broker has confirmed it.
    await Promise.all(numbers.map((body) => firstValueFrom(client.emit('job', body), { defaultValue: null })))
    say({ sent: numbers.length })
    const app = await serve(JobController, options)
    let inOrder = true
    for (const body of numbers) {
      const job = await jobs.take()
      inOrder &&= job.body === body
      ack(job)
    }
    say({ received: numbers.length, inOrder })
    await close(client, app)
  },

  async reconnect(say) {
    const live = { queue: 'nestjs.live', queueOptions, noAck: false }
    const kept = { queue: 'nestjs.kept', queueOptions, noAck: false, persistent: true }
    const keeper = clientOf(kept)
    await firstValueFrom(keeper.emit('job', 'kept'), { defaultValue: null })
    const app = await serve(JobController, live)
    const client = clientOf(live)
    await firstValueFrom(client.emit('job', 'before'), { defaultValue: null })
    const before = await jobs.take()
    say({ body: before.body })
    ack(before)
    const again = firstValueFrom(client.status.pipe(
      skipWhile((status) => status !== 'disconnected'), filter((status) => status === 'connected')))
    await brokerRestart(say)
    await again

    await firstValueFrom(client.emit('job', 'after'), { defaultValue: null })
    const after = await jobs.take()
    say({ body: after.body })
    ack(after)
    await close(client, app)
    const keptApp = await serve(JobController, kept)
    const survivor = await jobs.take()
    say({ body: survivor.body, deliveryMode: survivor.context.getMessage().properties.deliveryMode })
    ack(survivor)
    await close(keeper, keptApp)
  },
})
