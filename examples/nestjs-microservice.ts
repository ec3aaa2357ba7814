// A NestJS microservice and its client over RMQ: a request that waits for its answer, and an event that does
// not.
//
// Prints:
//   sum of 1, 2, 3: 6
//   the service heard: order 42 was created
import 'reflect-metadata'
import { Controller, Logger, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClientProxyFactory, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices'
import type { RmqOptions } from '@nestjs/microservices'
import { firstValueFrom } from 'rxjs'

const rmq: RmqOptions = {
  transport: Transport.RMQ,
  options: {
    urls: [process.env['AMQP_URL'] ?? 'amqp://127.0.0.1'],
    queue: 'examples.nest',
    queueOptions: { durable: false, autoDelete: true },
  },
}
Logger.overrideLogger(['error', 'warn'])

let hear: (event: string) => void
const heard = new Promise<string>((resolve) => {
  hear = resolve
})

@Controller()
class OrdersController {
  @MessagePattern({ cmd: 'sum' })
  sum(@Payload() numbers: number[]): number {
    return numbers.reduce((total, number) => total + number, 0)
  }

  @EventPattern('order.created')
  created(@Payload() order: { id: number }): void {
    hear(`order ${order.id} was created`)
  }
}

@Module({ controllers: [OrdersController] })
class OrdersModule {}

const service = await NestFactory.createMicroservice<RmqOptions>(OrdersModule, rmq)
await service.listen()

const client = ClientProxyFactory.create(rmq)
const total = await firstValueFrom(client.send<number>({ cmd: 'sum' }, [1, 2, 3]))
console.log(`sum of 1, 2, 3: ${total}`)
client.emit('order.created', { id: 42 })
console.log(`the service heard: ${await heard}`)

await client.close()
await service.close()
