#!/bin/bash
# rabbitmq-c's command-line tools: amqp-declare-queue, amqp-publish, amqp-get, amqp-consume, amqp-delete-queue.
# Called as `play_amqp_tools.sh URL [SCENARIO...]`; prints what it saw, one JSON object a line, and ends each
# scenario's lines with `ended` or with `error`. The tools show bodies and the broker's errors, nothing else of a message.
set -u
url=$1
shift
here=amqp-tools

declare_queue() {
  amqp-delete-queue --url="$url" --queue="$1" > /dev/null 2>&1
  amqp-declare-queue --url="$url" --durable --queue="$1" > /dev/null
}

say() {
  printf '{"scenario":"%s",%s}\n' "$scenario" "$1"
}

work() {
  declare_queue $here.work || return
  printf 'one\ntwo\nthree\n' | amqp-publish --url="$url" --persistent --content-type=text/plain -l -r $here.work || return
  # The tool runs its command for each message, with the body on stdin, and acks when the command succeeds. A line
  # that was published keeps its end of line.
  amqp-consume --url="$url" --queue=$here.work --prefetch-count=1 --count=3 -- cat |
    while read -r body; do say "\"body\":\"$body\""; done
  amqp-get --url="$url" --queue=$here.work > /dev/null
  [ $? -eq 2 ] && say '"left":0' # its exit code for an empty queue
  amqp-delete-queue --url="$url" --queue=$here.work > /dev/null
}

request_reply() {
  declare_queue $here.upper && declare_queue $here.replies || return
  printf 'a\nb\nc\n' | amqp-publish --url="$url" --reply-to=$here.replies -l -r $here.upper || return
  # shellcheck disable=SC2016 # for the command's shell
  amqp-consume --url="$url" --queue=$here.upper --count=3 \
    -- sh -c 'tr a-z A-Z | amqp-publish --url="$0" -r "$1"' "$url" $here.replies || return
  for asked in a b c; do
    say "\"asked\":\"$asked\",\"reply\":\"$(amqp-get --url="$url" --queue=$here.replies | tr -d '\n')\""
  done
  amqp-delete-queue --url="$url" --queue=$here.upper > /dev/null
  amqp-delete-queue --url="$url" --queue=$here.replies > /dev/null
}

large() {
  declare_queue $here.large || return
  for ((i = 0; i < 65536; i++)); do printf 0123456789abcdef; done |
    amqp-publish --url="$url" --persistent -r $here.large || return
  amqp-get --url="$url" --queue=$here.large > "$work_folder/large" || return
  say "\"bytes\":$(stat -c %s "$work_folder/large"),\"sha256\":\"$(sha256sum < "$work_folder/large" | cut -d' ' -f1)\""
  amqp-delete-queue --url="$url" --queue=$here.large > /dev/null
}

refusal() {
  declare_queue $here.refusal || return
  for mistake in "amqp-get --queue=$here.nowhere" "amqp-declare-queue --queue=$here.refusal"; do
    # shellcheck disable=SC2086 # a command and its arguments
    refused=$($mistake --url="$url" 2>&1)
    say "\"code\":$(sed -E 's/.*error ([0-9]+), .*/\1/' <<< "$refused"),\"text\":\"$(sed -E 's/.*message: //' <<< "$refused")\""
  done
  amqp-delete-queue --url="$url" --queue=$here.refusal > /dev/null
}

reconnect() {
  declare_queue $here.live && declare_queue $here.kept || return
  amqp-publish --url="$url" --persistent --body=kept -r $here.kept || return
  amqp-publish --url="$url" --body=before -r $here.live || return
  say "\"body\":\"$(amqp-get --url="$url" --queue=$here.live)\""
  say '"waiting":true'
  read -r _
  amqp-publish --url="$url" --body=after -r $here.live || return
  say "\"body\":\"$(amqp-get --url="$url" --queue=$here.live)\""
  say "\"body\":\"$(amqp-get --url="$url" --queue=$here.kept)\""
  amqp-delete-queue --url="$url" --queue=$here.live > /dev/null
  amqp-delete-queue --url="$url" --queue=$here.kept > /dev/null
}

work_folder=$(mktemp -d)
trap 'rm -rf "$work_folder"' EXIT
for scenario in "${@:-work request-reply large refusal reconnect}"; do
  if ${scenario//-/_}; then say '"ended":true'; else say '"error":"a tool failed, see stderr"'; fi
done
