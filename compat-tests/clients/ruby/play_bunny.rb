# bunny: it connects, declares and consumes again by itself.
require 'bunny'
require_relative 'transcript'

def connect(**options)
  connection = Bunny.new(BROKER_URL, network_recovery_interval: 0.3, log_level: Logger::FATAL, **options)
  connection.start
  channel = connection.create_channel
  channel.confirm_select
  [connection, channel]
end

def declare(channel, queue, arguments = {})
  channel.queue_delete(queue)
  channel.queue(queue, durable: true, arguments: arguments)
end

def publish(channel, queue, body, **options)
  channel.default_exchange.publish(body, routing_key: queue, **options)
end

# An inbox that a consumer fills, with acknowledgements left to the scenario.
def consume(queue, manual_ack: true)
  inbox = Queue.new
  consumer = queue.subscribe(manual_ack: manual_ack) do |delivery, properties, body|
    inbox << [delivery, properties, body]
  end
  [inbox, consumer]
end

work = lambda do |say|
  connection, channel = connect
  queue = declare(channel, 'bunny.work')
  %w[one two three].each do |body|
    publish(channel, 'bunny.work', body, content_type: 'text/plain', persistent: true)
  end
  channel.wait_for_confirms
  channel.prefetch(1)
  inbox, consumer = consume(queue)
  3.times do
    delivery, properties, body = inbox.pop
    say.call(body: body, redelivered: delivery.redelivered?, contentType: properties.content_type,
             deliveryMode: properties.delivery_mode)
    channel.ack(delivery.delivery_tag)
  end
  consumer.cancel
  say.call(left: queue.message_count)
  queue.delete
  connection.close
end

dead_letters = lambda do |say|
  connection, channel = connect
  dead = declare(channel, 'bunny.dead')
  queue = declare(channel, 'bunny.dead-letters',
                  { 'x-dead-letter-exchange' => '', 'x-dead-letter-routing-key' => 'bunny.dead' })
  inbox, = consume(queue)
  publish(channel, 'bunny.dead-letters', 'bad')
  [true, false].each do |requeue|
    delivery, _, body = inbox.pop
    say.call(body: body, redelivered: delivery.redelivered?)
    channel.reject(delivery.delivery_tag, requeue)
  end
  letters, = consume(dead)
  delivery, properties, body = letters.pop
  death = properties.headers['x-death'].first
  say.call(dead: body, reason: death['reason'], queue: death['queue'], count: death['count'])
  channel.ack(delivery.delivery_tag)
  queue.delete
  dead.delete
  connection.close
end

request_reply = lambda do |say|
  connection, channel = connect
  queue = declare(channel, 'bunny.upper')
  server = connection.create_channel
  server.queue('bunny.upper', passive: true).subscribe do |_, request, word|
    publish(server, request.reply_to, word.upcase, correlation_id: request.correlation_id)
  end
  replies_to = channel.queue('', exclusive: true)
  inbox, = consume(replies_to, manual_ack: false)
  %w[a b c].each do |word|
    publish(channel, 'bunny.upper', word, reply_to: replies_to.name, correlation_id: "id-#{word}")
  end
  replies = {}
  3.times do
    _, properties, body = inbox.pop
    replies[properties.correlation_id] = body
  end
  %w[a b c].each { |word| say.call(asked: word, reply: replies["id-#{word}"]) }
  server.close
  queue.delete
  connection.close
end

large = lambda do |say|
  connection, channel = connect
  queue = declare(channel, 'bunny.large')
  publish(channel, 'bunny.large', LARGE_BODY, persistent: true)
  channel.wait_for_confirms
  _, _, body = queue.pop
  say.call(bytes: body.bytesize, sha256: Digest::SHA256.hexdigest(body))
  queue.delete
  connection.close
end

many = lambda do |say|
  connection, channel = connect
  queue = declare(channel, 'bunny.many')
  5_000.times { |n| publish(channel, 'bunny.many', n.to_s, persistent: true) }
  say.call(sent: channel.wait_for_confirms ? 5_000 : 0)
  channel.prefetch(100)
  inbox, = consume(queue)
  bodies = Array.new(5_000) do
    delivery, _, body = inbox.pop
    channel.ack(delivery.delivery_tag)
    body
  end
  say.call(received: bodies.size, inOrder: bodies == (0...5_000).map(&:to_s))
  queue.delete
  connection.close
end

refusal = lambda do |say|
  connection, channel = connect
  queue = declare(channel, 'bunny.refusal')
  mistakes = [
    ->(wrong) { wrong.queue('bunny.nowhere', passive: true) },
    ->(wrong) { wrong.queue('bunny.refusal', durable: false) },
  ]
  mistakes.each do |mistake|
    mistake.call(connection.create_channel)
  rescue Bunny::ChannelLevelException => e
    say.call(code: e.channel_close.reply_code, text: e.channel_close.reply_text)
  end
  queue.delete
  connection.close
end

reconnect = lambda do |say|
  recovered = Queue.new
  connection, channel = connect(recovery_completed: ->(*) { recovered << true })
  live = declare(channel, 'bunny.live')
  declare(channel, 'bunny.kept')
  publish(channel, 'bunny.kept', 'kept', persistent: true)
  inbox, = consume(live)
  publish(channel, 'bunny.live', 'before')
  channel.wait_for_confirms
  delivery, _, body = inbox.pop
  say.call(body: body)
  channel.ack(delivery.delivery_tag)
  broker_restart(say)
  recovered.pop

  publish(channel, 'bunny.live', 'after')
  delivery, _, body = inbox.pop
  say.call(body: body)
  channel.ack(delivery.delivery_tag)
  kept = channel.queue('bunny.kept', durable: true)
  _, properties, body = kept.pop
  say.call(body: body, deliveryMode: properties.delivery_mode)
  kept.delete
  live.delete
  connection.close
end

play({
  'work' => work, 'dead-letters' => dead_letters, 'request-reply' => request_reply, 'large' => large,
  'many' => many, 'refusal' => refusal, 'reconnect' => reconnect,
})
