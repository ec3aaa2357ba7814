<?php
// php-amqplib: a lost connection raises an exception, and `reconnect` of the same object connects again.

require_once 'PhpAmqpLib/autoload.php';
require_once __DIR__ . '/transcript.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

function connect(): AMQPStreamConnection
{
    return new AMQPStreamConnection(BROKER['host'], BROKER['port'], BROKER['user'], BROKER['pass']);
}

function name(string $rest): string
{
    return "php-amqplib.$rest";
}

function confirming(AMQPStreamConnection $connection): AMQPChannel
{
    $channel = $connection->channel();
    $channel->confirm_select();
    return $channel;
}

function declare_queue(AMQPChannel $channel, string $queue, array $arguments = []): void
{
    $channel->queue_delete($queue);
    $channel->queue_declare($queue, durable: true, auto_delete: false, arguments: new AMQPTable($arguments));
}

function publish(AMQPChannel $channel, string $queue, string $body, array $properties = []): void
{
    $channel->basic_publish(new AMQPMessage($body, $properties), '', $queue);
}

/** Calls $take with each message until it returns true. */
function consume(AMQPChannel $channel, string $queue, callable $take, bool $noAck = false): void
{
    $isDone = false;
    $tag = $channel->basic_consume($queue, no_ack: $noAck, callback: function (AMQPMessage $message) use ($take, &$isDone) {
        $isDone = $isDone || $take($message) === true;
    });
    while (!$isDone) {
        $channel->wait(timeout: 10);
    }
    $channel->basic_cancel($tag);
}

$work = function (callable $say): void {
    $connection = connect();
    $channel = confirming($connection);
    declare_queue($channel, name('work'));
    foreach (['one', 'two', 'three'] as $body) {
        publish($channel, name('work'), $body, ['content_type' => 'text/plain', 'delivery_mode' => 2]);
    }
    $channel->wait_for_pending_acks(10);
    $channel->basic_qos(0, 1, false);
    $got = 0;
    consume($channel, name('work'), function (AMQPMessage $message) use ($say, &$got) {
        $say([
            'body' => $message->getBody(), 'redelivered' => $message->isRedelivered(),
            'contentType' => $message->get('content_type'), 'deliveryMode' => $message->get('delivery_mode'),
        ]);
        $message->ack();
        return ++$got === 3;
    });
    [, $left] = $channel->queue_declare(name('work'), passive: true);
    $say(['left' => $left]);
    $channel->queue_delete(name('work'));
    $connection->close();
};

$deadLetters = function (callable $say): void {
    $connection = connect();
    $channel = confirming($connection);
    declare_queue($channel, name('dead'));
    declare_queue($channel, name('dead-letters'), [
        'x-dead-letter-exchange' => '', 'x-dead-letter-routing-key' => name('dead'),
    ]);
    publish($channel, name('dead-letters'), 'bad');
    consume($channel, name('dead-letters'), function (AMQPMessage $message) use ($say) {
        $say(['body' => $message->getBody(), 'redelivered' => $message->isRedelivered()]);
        $isSecond = $message->isRedelivered();
        $message->reject(!$isSecond);
        return $isSecond;
    });
    consume($channel, name('dead'), function (AMQPMessage $letter) use ($say) {
        $death = $letter->get('application_headers')->getNativeData()['x-death'][0];
        $say([
            'dead' => $letter->getBody(), 'reason' => $death['reason'], 'queue' => $death['queue'],
            'count' => $death['count'],
        ]);
        $letter->ack();
        return true;
    });
    $channel->queue_delete(name('dead-letters'));
    $channel->queue_delete(name('dead'));
    $connection->close();
};

$requestReply = function (callable $say): void {
    $connection = connect();
    $channel = confirming($connection);
    declare_queue($channel, name('upper'));
    [$replyTo] = $channel->queue_declare('', exclusive: true);
    foreach (['a', 'b', 'c'] as $word) {
        publish($channel, name('upper'), $word, ['reply_to' => $replyTo, 'correlation_id' => "id-$word"]);
    }
    $answered = 0;
    consume($channel, name('upper'), function (AMQPMessage $request) use ($channel, &$answered) {
        $id = $request->get('correlation_id');
        publish($channel, $request->get('reply_to'), strtoupper($request->getBody()), ['correlation_id' => $id]);
        $request->ack();
        return ++$answered === 3;
    });
    $replies = [];
    consume($channel, $replyTo, function (AMQPMessage $reply) use (&$replies) {
        $replies[$reply->get('correlation_id')] = $reply->getBody();
        return count($replies) === 3;
    }, noAck: true);
    foreach (['a', 'b', 'c'] as $word) {
        $say(['asked' => $word, 'reply' => $replies["id-$word"]]);
    }
    $channel->queue_delete(name('upper'));
    $connection->close();
};

$large = function (callable $say): void {
    $connection = connect();
    $channel = confirming($connection);
    declare_queue($channel, name('large'));
    publish($channel, name('large'), LARGE_BODY, ['delivery_mode' => 2]);
    $channel->wait_for_pending_acks(10);
    $body = $channel->basic_get(name('large'), true)->getBody();
    $say(['bytes' => strlen($body), 'sha256' => hash('sha256', $body)]);
    $channel->queue_delete(name('large'));
    $connection->close();
};

$many = function (callable $say): void {
    $connection = connect();
    $channel = confirming($connection);
    declare_queue($channel, name('many'));
    $sent = 0;
    $channel->set_ack_handler(function () use (&$sent) {
        $sent++;
    });
    for ($n = 0; $n < 5000; $n++) {
        publish($channel, name('many'), (string) $n, ['delivery_mode' => 2]);
    }
    $channel->wait_for_pending_acks(30);
    $say(['sent' => $sent]);
    $channel->basic_qos(0, 100, false);
    $received = 0;
    $inOrder = true;
    consume($channel, name('many'), function (AMQPMessage $message) use (&$received, &$inOrder) {
        $inOrder = $inOrder && $message->getBody() === (string) $received;
        $message->ack();
        return ++$received === 5000;
    });
    $say(['received' => $received, 'inOrder' => $inOrder]);
    $channel->queue_delete(name('many'));
    $connection->close();
};

$refusal = function (callable $say): void {
    $connection = connect();
    declare_queue($connection->channel(), name('refusal'));
    $mistakes = [
        fn (AMQPChannel $wrong) => $wrong->queue_declare(name('nowhere'), passive: true),
        fn (AMQPChannel $wrong) => $wrong->queue_declare(name('refusal'), durable: false, auto_delete: false),
    ];
    foreach ($mistakes as $mistake) {
        try {
            $mistake($connection->channel());
        } catch (AMQPProtocolChannelException $refused) {
            $say(['code' => $refused->amqp_reply_code, 'text' => $refused->amqp_reply_text]);
        }
    }
    $connection->channel()->queue_delete(name('refusal'));
    $connection->close();
};

$reconnect = function (callable $say): void {
    $connection = connect();
    $channel = confirming($connection);
    declare_queue($channel, name('live'));
    declare_queue($channel, name('kept'));
    publish($channel, name('kept'), 'kept', ['delivery_mode' => 2]);
    publish($channel, name('live'), 'before');
    $channel->wait_for_pending_acks(10);
    $take = function (AMQPMessage $message) use ($say) {
        $say(['body' => $message->getBody()]);
        $message->ack();
        return true;
    };
    consume($channel, name('live'), $take);
    brokerRestart($say);

    try {
        $connection->channel();
        throw new RuntimeException('opened a channel on a connection that the restart has closed');
    } catch (PhpAmqpLib\Exception\AMQPExceptionInterface) {
        $connection->reconnect();
    }
    $channel = confirming($connection);
    publish($channel, name('live'), 'after');
    consume($channel, name('live'), $take);
    $survivor = $channel->basic_get(name('kept'), true);
    $say(['body' => $survivor->getBody(), 'deliveryMode' => $survivor->get('delivery_mode')]);
    $channel->queue_delete(name('live'));
    $channel->queue_delete(name('kept'));
    $connection->close();
};

play([
    'work' => $work, 'dead-letters' => $deadLetters, 'request-reply' => $requestReply, 'large' => $large,
    'many' => $many, 'refusal' => $refusal, 'reconnect' => $reconnect,
]);
