"""kombu: `ensure` and `autoretry` repeat what a lost connection interrupted, and connect again for it."""
import socket

from kombu import Connection, Consumer, Queue
from kombu.exceptions import OperationalError

from transcript import broker_restart, large_body, play, sha256, url


def connect():
    # confirm_publish: py-amqp waits for the broker's ack of each message
    return Connection(url, transport_options={'confirm_publish': True})


def declare(connection, queue, arguments=None):
    """A queue on the default exchange, empty."""
    declared = Queue(queue, channel=connection.default_channel, durable=True, queue_arguments=arguments)
    declared.delete()
    declared.declare()
    return declared


def consume(connection, queue, take, prefetch=None, **options):
    """Calls take(message) until it returns something else than None."""
    answers = []
    channel = connection.channel()
    consumer = Consumer(channel, queues=[queue], on_message=lambda message: answers.append(take(message)),
                        auto_declare=False, prefetch_count=prefetch, **options)
    with consumer:
        while not any(answer is not None for answer in answers):
            connection.drain_events(timeout=10)
    channel.close()


def text(message):
    body = message.body
    return body.decode() if isinstance(body, bytes) else body


def work(say):
    with connect() as connection:
        queue = declare(connection, 'kombu.work')
        producer = connection.Producer()
        for body in ('one', 'two', 'three'):
            producer.publish(body, routing_key='kombu.work', delivery_mode=2)
        got = []

        def take(message):
            got.append(message)
            say(body=text(message), redelivered=message.delivery_info['redelivered'],
                contentType=message.content_type, deliveryMode=message.properties['delivery_mode'])
            message.ack()
            return True if len(got) == 3 else None

        consume(connection, queue, take, prefetch=1)
        say(left=queue.queue_declare(passive=True).message_count)
        queue.delete()


def dead_letters(say):
    with connect() as connection:
        dead = declare(connection, 'kombu.dead')
        queue = declare(connection, 'kombu.dead-letters', {
            'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'kombu.dead',
        })
        connection.Producer().publish('bad', routing_key='kombu.dead-letters')

        def take(message):
            redelivered = message.delivery_info['redelivered']
            say(body=text(message), redelivered=redelivered)
            message.reject(requeue=not redelivered)
            return True if redelivered else None

        consume(connection, queue, take)

        def bury(message):
            death = message.headers['x-death'][0]
            say(dead=text(message), reason=death['reason'], queue=death['queue'], count=death['count'])
            message.ack()
            return True

        consume(connection, dead, bury)
        queue.delete()
        dead.delete()


def request_reply(say):
    with connect() as connection:
        queue = declare(connection, 'kombu.upper')
        producer = connection.Producer()
        replies = Queue(channel=connection.default_channel, exclusive=True, durable=False)
        replies.declare()
        for word in ('a', 'b', 'c'):
            producer.publish(word, routing_key='kombu.upper', reply_to=replies.name, correlation_id=f'id-{word}')
        answered = []

        def answer(message):
            producer.publish(text(message).upper(), routing_key=message.properties['reply_to'],
                             correlation_id=message.properties['correlation_id'])
            message.ack()
            answered.append(message)
            return True if len(answered) == 3 else None

        consume(connection, queue, answer)
        got = {}

        def keep(message):
            got[message.properties['correlation_id']] = text(message)
            return True if len(got) == 3 else None

        consume(connection, replies, keep, no_ack=True)
        for word in ('a', 'b', 'c'):
            say(asked=word, reply=got[f'id-{word}'])
        queue.delete()


def large(say):
    with connect() as connection:
        queue = declare(connection, 'kombu.large')
        connection.Producer().publish(large_body, routing_key='kombu.large', delivery_mode=2)
        message = queue.get(no_ack=True)
        say(bytes=len(message.body), sha256=sha256(message.body))
        queue.delete()


def many(say):
    with connect() as connection:
        queue = declare(connection, 'kombu.many')
        producer = connection.Producer()
        sent = 0
        for n in range(5_000):
            producer.publish(str(n), routing_key='kombu.many', delivery_mode=1)
            sent += 1
        say(sent=sent)
        got = []

        def take(message):
            got.append(text(message))
            message.ack()
            return True if len(got) == 5_000 else None

        consume(connection, queue, take, prefetch=100)
        say(received=len(got), inOrder=got == [str(n) for n in range(5_000)])
        queue.delete()


def refusal(say):
    with connect() as connection:
        queue = declare(connection, 'kombu.refusal')
        mistakes = (
            lambda wrong: wrong.queue_declare('kombu.nowhere', passive=True),
            lambda wrong: wrong.queue_declare('kombu.refusal', durable=False, auto_delete=False),
        )
        for mistake in mistakes:
            try:
                mistake(connection.channel())
            except connection.channel_errors as refused:
                say(code=refused.reply_code, text=refused.reply_text)
        connection.default_channel.close()
        Queue('kombu.refusal', channel=connection.channel()).delete()


def reconnect(say):
    with connect() as connection:
        live = declare(connection, 'kombu.live')
        kept = declare(connection, 'kombu.kept')
        producer = connection.Producer()
        producer.publish('kept', routing_key='kombu.kept', delivery_mode=2)
        producer.publish('before', routing_key='kombu.live')

        def take(message):
            say(body=text(message))
            message.ack()
            return True

        consume(connection, live, take)
        broker_restart(say)

        # The connection is gone; retry connects again and repeats the publish.
        producer.publish('after', routing_key='kombu.live', retry=True,
                         retry_policy={'max_retries': 20, 'interval_start': 0.2, 'interval_max': 0.5})
        consume(connection, live, take)
        kept = kept.bind(connection.channel())
        survivor = kept.get(no_ack=True)
        say(body=text(survivor), deliveryMode=survivor.properties['delivery_mode'])
        kept.delete()
        live.bind(connection.channel()).delete()


play({
    'work': work, 'dead-letters': dead_letters, 'request-reply': request_reply, 'large': large, 'many': many,
    'refusal': refusal, 'reconnect': reconnect,
})
