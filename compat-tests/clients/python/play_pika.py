"""pika's BlockingConnection: no recovery of its own, so the program connects again by itself."""
import pika

from transcript import broker_restart, large_body, play, sha256, url


def connect():
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.confirm_delivery()
    return connection, channel


def declare(channel, queue, arguments=None):
    channel.queue_delete(queue)
    channel.queue_declare(queue, durable=True, arguments=arguments)


def work(say):
    connection, channel = connect()
    declare(channel, 'pika.work')
    for body in ('one', 'two', 'three'):
        properties = pika.BasicProperties(content_type='text/plain', delivery_mode=2)
        channel.basic_publish('', 'pika.work', body.encode(), properties)
    channel.basic_qos(prefetch_count=1)
    got = 0
    for method, properties, body in channel.consume('pika.work'):
        say(body=body.decode(), redelivered=method.redelivered, contentType=properties.content_type,
            deliveryMode=properties.delivery_mode)
        channel.basic_ack(method.delivery_tag)
        got += 1
        if got == 3:
            break
    channel.cancel()
    say(left=channel.queue_declare('pika.work', passive=True).method.message_count)
    channel.queue_delete('pika.work')
    connection.close()


def dead_letters(say):
    connection, channel = connect()
    declare(channel, 'pika.dead')
    declare(channel, 'pika.dead-letters', {
        'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'pika.dead',
    })
    channel.basic_publish('', 'pika.dead-letters', b'bad')
    requeue = True
    for method, _, body in channel.consume('pika.dead-letters'):
        say(body=body.decode(), redelivered=method.redelivered)
        channel.basic_reject(method.delivery_tag, requeue=requeue)
        if not requeue:
            break
        requeue = False
    channel.cancel()
    for method, properties, body in channel.consume('pika.dead'):
        death = properties.headers['x-death'][0]
        say(dead=body.decode(), reason=death['reason'], queue=death['queue'], count=death['count'])
        channel.basic_ack(method.delivery_tag)
        break
    channel.cancel()
    channel.queue_delete('pika.dead-letters')
    channel.queue_delete('pika.dead')
    connection.close()


def request_reply(say):
    connection, channel = connect()
    declare(channel, 'pika.upper')

    def answer(channel, method, properties, body):
        reply = pika.BasicProperties(correlation_id=properties.correlation_id)
        channel.basic_publish('', properties.reply_to, body.upper(), reply)
        channel.basic_ack(method.delivery_tag)

    replies = {}

    def keep(_channel, _method, properties, body):
        replies[properties.correlation_id] = body.decode()

    server = connection.channel()
    server.basic_consume('pika.upper', answer)
    channel.basic_consume('amq.rabbitmq.reply-to', keep, auto_ack=True)
    for word in ('a', 'b', 'c'):
        properties = pika.BasicProperties(reply_to='amq.rabbitmq.reply-to', correlation_id=f'id-{word}')
        channel.basic_publish('', 'pika.upper', word.encode(), properties)
    while len(replies) < 3:
        connection.process_data_events(time_limit=1)
    for word in ('a', 'b', 'c'):
        say(asked=word, reply=replies[f'id-{word}'])
    server.close()
    channel.queue_delete('pika.upper')
    connection.close()


def large(say):
    connection, channel = connect()
    declare(channel, 'pika.large')
    channel.basic_publish('', 'pika.large', large_body, pika.BasicProperties(delivery_mode=2))
    method, _, body = channel.basic_get('pika.large')
    say(bytes=len(body), sha256=sha256(body))
    channel.basic_ack(method.delivery_tag)
    channel.queue_delete('pika.large')
    connection.close()


def many(say):
    connection, channel = connect()
    declare(channel, 'pika.many')
    sent = 0
    for n in range(5_000):
        # With confirms on this returns when the broker has answered, and raises when it refused.
        channel.basic_publish('', 'pika.many', str(n).encode())
        sent += 1
    say(sent=sent)
    channel.basic_qos(prefetch_count=100)
    received, in_order = 0, True
    for method, _, body in channel.consume('pika.many'):
        in_order = in_order and body.decode() == str(received)
        received += 1
        channel.basic_ack(method.delivery_tag)
        if received == 5_000:
            break
    say(received=received, inOrder=in_order)
    channel.cancel()
    channel.queue_delete('pika.many')
    connection.close()


def refusal(say):
    connection, channel = connect()
    declare(channel, 'pika.refusal')
    mistakes = (
        lambda wrong: wrong.queue_declare('pika.nowhere', passive=True),
        lambda wrong: wrong.queue_declare('pika.refusal', durable=False),
    )
    for mistake in mistakes:
        try:
            mistake(connection.channel())
        except pika.exceptions.ChannelClosedByBroker as closed:
            say(code=closed.reply_code, text=closed.reply_text)
    channel.queue_delete('pika.refusal')
    connection.close()


def reconnect(say):
    _, channel = connect()
    declare(channel, 'pika.live')
    declare(channel, 'pika.kept')
    channel.basic_publish('', 'pika.kept', b'kept', pika.BasicProperties(delivery_mode=2))
    channel.basic_publish('', 'pika.live', b'before')
    for method, _, body in channel.consume('pika.live'):
        say(body=body.decode())
        channel.basic_ack(method.delivery_tag)
        break
    broker_restart(say)
    try:
        channel.basic_publish('', 'pika.live', b'lost')
        raise RuntimeError('published on a connection that the restart has closed')
    except pika.exceptions.AMQPConnectionError:
        connection, channel = connect()
    channel.basic_publish('', 'pika.live', b'after')
    for method, _, body in channel.consume('pika.live'):
        say(body=body.decode())
        channel.basic_ack(method.delivery_tag)
        break
    channel.cancel()
    method, properties, body = channel.basic_get('pika.kept')
    say(body=body.decode(), deliveryMode=properties.delivery_mode)
    channel.basic_ack(method.delivery_tag)
    channel.queue_delete('pika.live')
    channel.queue_delete('pika.kept')
    connection.close()


play({
    'work': work, 'dead-letters': dead_letters, 'request-reply': request_reply, 'large': large, 'many': many,
    'refusal': refusal, 'reconnect': reconnect,
})
