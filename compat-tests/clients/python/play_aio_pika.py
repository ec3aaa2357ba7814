"""aio-pika: connect_robust connects, declares and consumes again by itself."""
import asyncio
import sys

import aio_pika
from aio_pika import DeliveryMode, Message

from transcript import large_body, play, sha256, url


def name(rest):
    return f'aio-pika.{rest}'


def connect():
    return aio_pika.connect_robust(url, reconnect_interval=0.3)


async def declare(channel, queue, arguments=None):
    await channel.queue_delete(queue)
    return await channel.declare_queue(queue, durable=True, arguments=arguments)


async def work(say):
    async with await connect() as connection:
        channel = await connection.channel()
        queue = await declare(channel, name('work'))
        for body in ('one', 'two', 'three'):
            message = Message(body.encode(), content_type='text/plain', delivery_mode=DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(message, name('work'))
        await channel.set_qos(prefetch_count=1)
        got = 0
        async with queue.iterator() as messages:
            async for message in messages:
                say(body=message.body.decode(), redelivered=message.redelivered,
                    contentType=message.content_type, deliveryMode=int(message.delivery_mode))
                await message.ack()
                got += 1
                if got == 3:
                    break
        passive = await channel.declare_queue(name('work'), passive=True)
        say(left=passive.declaration_result.message_count)
        await queue.delete()


async def dead_letters(say):
    async with await connect() as connection:
        channel = await connection.channel()
        dead = await declare(channel, name('dead'))
        queue = await declare(channel, name('dead-letters'), {
            'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': name('dead'),
        })
        await channel.default_exchange.publish(Message(b'bad'), name('dead-letters'))
        requeue = True
        async with queue.iterator() as messages:
            async for message in messages:
                say(body=message.body.decode(), redelivered=message.redelivered)
                await message.reject(requeue=requeue)
                if not requeue:
                    break
                requeue = False
        async with dead.iterator() as messages:
            async for message in messages:
                death = message.headers['x-death'][0]
                say(dead=message.body.decode(), reason=death['reason'], queue=death['queue'], count=death['count'])
                await message.ack()
                break
        await queue.delete()
        await dead.delete()


async def request_reply(say):
    async with await connect() as connection:
        channel = await connection.channel()
        queue = await declare(channel, name('upper'))

        async def answer(request):
            async with request.process():
                reply = Message(request.body.upper(), correlation_id=request.correlation_id)
                await channel.default_exchange.publish(reply, request.reply_to)

        server = await queue.consume(answer)
        replies = {}
        answered = asyncio.Event()

        async def keep(reply):
            replies[reply.correlation_id] = reply.body.decode()
            if len(replies) == 3:
                answered.set()

        inbox = await channel.declare_queue(exclusive=True)
        await inbox.consume(keep, no_ack=True)
        for word in ('a', 'b', 'c'):
            request = Message(word.encode(), reply_to=inbox.name, correlation_id=f'id-{word}')
            await channel.default_exchange.publish(request, name('upper'))
        await answered.wait()
        for word in ('a', 'b', 'c'):
            say(asked=word, reply=replies[f'id-{word}'])
        await queue.cancel(server)
        await queue.delete()


async def large(say):
    async with await connect() as connection:
        channel = await connection.channel()
        queue = await declare(channel, name('large'))
        message = Message(large_body, delivery_mode=DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, name('large'))
        message = await queue.get(no_ack=True)
        say(bytes=len(message.body), sha256=sha256(message.body))
        await queue.delete()


async def many(say):
    async with await connect() as connection:
        channel = await connection.channel()
        queue = await declare(channel, name('many'))
        confirms = await asyncio.gather(*(
            channel.default_exchange.publish(Message(str(n).encode()), name('many')) for n in range(5_000)))
        say(sent=len(confirms))
        await channel.set_qos(prefetch_count=100)
        received, in_order = 0, True
        async with queue.iterator() as messages:
            async for message in messages:
                in_order = in_order and message.body.decode() == str(received)
                received += 1
                await message.ack()
                if received == 5_000:
                    break
        say(received=received, inOrder=in_order)
        await queue.delete()


async def refusal(say):
    async with await connect() as connection:
        channel = await connection.channel()
        queue = await declare(channel, name('refusal'))
        mistakes = (
            lambda wrong: wrong.declare_queue(name('nowhere'), passive=True),
            lambda wrong: wrong.declare_queue(name('refusal'), durable=False),
        )
        codes = {aio_pika.exceptions.ChannelNotFoundEntity: 404, aio_pika.exceptions.ChannelPreconditionFailed: 406}
        for mistake in mistakes:
            try:
                await mistake(await connection.channel())
            except aio_pika.exceptions.ChannelClosed as closed:
                say(code=codes[type(closed)], text=str(closed))
        await queue.delete()


async def reconnect(say):
    async with await connect() as connection:
        channel = await connection.channel()
        queue = await declare(channel, name('live'))
        kept = await declare(channel, name('kept'))
        message = Message(b'kept', delivery_mode=DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, name('kept'))
        inbox = asyncio.Queue()

        async def take(message):
            await message.ack()
            await inbox.put(message.body.decode())

        consumer = await queue.consume(take)
        await channel.default_exchange.publish(Message(b'before'), name('live'))
        say(body=await inbox.get())
        connected = asyncio.Event()
        connection.reconnect_callbacks.add(lambda *_: connected.set())
        say(waiting=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await connected.wait()

        await channel.default_exchange.publish(Message(b'after'), name('live'))
        say(body=await inbox.get())
        survivor = await kept.get(no_ack=True)
        say(body=survivor.body.decode(), deliveryMode=int(survivor.delivery_mode))
        await queue.cancel(consumer)
        await queue.delete()
        await kept.delete()


def awaited(scenario):
    return lambda say: asyncio.run(scenario(say))


play({
    'work': awaited(work), 'dead-letters': awaited(dead_letters), 'request-reply': awaited(request_reply),
    'large': awaited(large), 'many': awaited(many), 'refusal': awaited(refusal), 'reconnect': awaited(reconnect),
})
