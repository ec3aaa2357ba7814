#!/usr/bin/env bash
# Publishing with curl, over Leveret's own HTTP API: one message whose body is the request's, and a batch that is
# checked whole. Each answer comes when what was stored is on disk.
#
# Prints:
#   {"result":"stored"}
#   {"results":["stored","unroutable"]}
#   {"error":"bad_request","reason":"message 1: priority: 300 is not between 0 and 255"}
#   2 messages
set -eu
url=${LEVERET_URL:-http://127.0.0.1:15672}
queue=examples.http-orders
ask() {
  curl --silent --show-error --user guest:guest -H 'content-type: application/json' "$@"
}

ask -X PUT "$url/api/queues/%2F/$queue" -d '{"durable":true}'

ask "$url/api/v1/publish/%2F/amq.default/$queue" -d '{"order":1}' \
  -H 'amqp-message-id: order-1' -H 'amqp-headers: {"tenant":"acme"}'
echo
ask "$url/api/v1/publish/%2F/amq.default" \
  -d '[{"routing_key":"'"$queue"'","body":{"order":2}},{"routing_key":"nowhere"}]'
echo
ask "$url/api/v1/publish/%2F/amq.default" \
  -d '[{"routing_key":"'"$queue"'"},{"routing_key":"'"$queue"'","properties":{"priority":300}}]'
echo
ask "$url/api/v1/queues/%2F/$queue/consume?max=10" | grep -o '"token"' | wc -l | sed 's/ *$/ messages/'

ask -X DELETE "$url/api/queues/%2F/$queue"
