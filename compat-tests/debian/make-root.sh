#!/bin/sh
# Builds a Debian root folder for the suites: `rabbitmq` is sid with the current RabbitMQ, the reference broker;
# `rabbitmq-older` is bookworm with RabbitMQ 3.10, the second one; `clients` is the stable release with client libraries
# in Python, Ruby, PHP and C, and Prometheus. Called by harness/find-reference.ts, clients/debian-root.ts and by hand:
# make-root.sh rabbitmq|rabbitmq-older|clients [DIR]. Needs Debian or Ubuntu, and root.
# Invariant: DIR exists only when it is complete: it is built as DIR.tmp under a lock, and renamed at the end.
set -eu

cache="${XDG_CACHE_HOME:-$HOME/.cache}/leveret"
mirror="${LEVERET_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

case "${1:-}" in
  rabbitmq)
    suite=sid
    root="${2:-${LEVERET_RABBITMQ_ROOT:-$cache/rabbitmq-sid}}"
    packages='rabbitmq-server'
    ;;
  rabbitmq-older)
    suite=bookworm
    root="${2:-${LEVERET_RABBITMQ_ROOT:-$cache/rabbitmq-bookworm}}"
    packages='rabbitmq-server'
    ;;
  clients)
    suite=trixie
    root="${2:-${LEVERET_CLIENTS_ROOT:-$cache/clients-trixie}}"
    packages='python3-pika python3-celery python3-aio-pika ruby-bunny php-cli php-amqplib amqp-tools prometheus'
    ;;
  *)
    echo "make-root: expected 'rabbitmq', 'rabbitmq-older' or 'clients' as the first argument, got '${1:-}'" >&2
    exit 1
    ;;
esac

if [ "$(id -u)" -ne 0 ]; then
  echo "make-root: needs root for debootstrap and chroot, but runs as uid $(id -u)" >&2
  exit 1
fi

mkdir -p "$(dirname "$root")"
exec 9> "$root.lock"
flock 9 # a second run waits here, then finds the root made

# shellcheck disable=SC2086 # one word per package
if [ -d "$root" ] && chroot "$root" dpkg-query -W $packages > /dev/null 2>&1; then
  echo "$root"
  exit 0
fi

# Packages that the list has gained since it was made: a download, where all of it again takes minutes.
# shellcheck disable=SC2086
if [ -d "$root" ] && chroot "$root" apt-get update >&2 \
  && chroot "$root" apt-get install -y --no-install-recommends $packages >&2; then
  chroot "$root" apt-get clean
  echo "$root"
  exit 0
fi

if ! command -v debootstrap > /dev/null; then
  apt-get update >&2
  apt-get install -y --no-install-recommends debootstrap >&2
fi

rm -rf "$root" "$root.tmp"
debootstrap --variant=minbase "$suite" "$root.tmp" "$mirror" >&2

# RabbitMQ's post-install script would start a broker on the fixed port 5672.
printf '#!/bin/sh\nexit 101\n' > "$root.tmp/usr/sbin/policy-rc.d"
chmod 755 "$root.tmp/usr/sbin/policy-rc.d"
# minbase has no hosts file, and without one nothing in there finds "localhost".
echo '127.0.0.1 localhost' > "$root.tmp/etc/hosts"

# No update before the install: debootstrap has just fetched and verified these very package lists.
# shellcheck disable=SC2086
chroot "$root.tmp" apt-get install -y --no-install-recommends $packages >&2
chroot "$root.tmp" apt-get clean

mv "$root.tmp" "$root"
echo "$root"
