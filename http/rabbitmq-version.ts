// The RabbitMQ whose management API is answered here. Tools read it to know which endpoints and fields there
// are, so it is that version and not Leveret's own, which is product_version.

export const RABBITMQ_VERSION = '4.3.6'
