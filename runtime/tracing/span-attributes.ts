// What the spans of messages say: the names of their attributes, one row each, and the names of the spans, by
// OpenTelemetry's semantic conventions for messaging and for RabbitMQ (1.45, in development), whose words are
// for clients: what a broker knows beyond them is under `leveret.`. docs/tracing.md shows them.
import type { Message } from '../../queues/message.ts'

export const ATTRIBUTES = {
  /** `rabbitmq`, as the conventions demand of whoever uses their attributes; service.name says who it is. */
  system: 'messaging.system',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destinationName: 'messaging.destination.name',
  routingKey: 'messaging.rabbitmq.destination.routing_key',
  bodySize: 'messaging.message.body.size',
  messageId: 'messaging.message.id',
  conversationId: 'messaging.message.conversation_id',
  errorType: 'error.type',
  vhost: 'leveret.vhost',
  exchange: 'leveret.exchange',
  queue: 'leveret.queue',
  consumerTag: 'leveret.consumer_tag',
  redelivered: 'leveret.redelivered',
  publishOutcome: 'leveret.publish.outcome',
  publishQueues: 'leveret.publish.queues',
  queueTimeUnknown: 'leveret.queue_time.unknown',
} as const

/** Of a few names only, which is why it has no routing key, nor a name that the broker made up. */
export function nameOf(operation: string, place: string): string {
  return place.startsWith('amq.gen-') ? operation : `${operation} ${place}`
}

/** `exchange:routing key:queue`, without what is empty, and once what key and queue are both. */
export function destinationOf({ exchange, routingKey }: Message, queue: string | null): string {
  const parts = [exchange, routingKey, ...queue === null || queue === routingKey ? [] : [queue]]
  return parts.filter((part) => part !== '').join(':') || 'amq.default'
}
