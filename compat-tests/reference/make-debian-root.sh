#!/bin/sh
# Builds a Debian sid root folder holding the current RabbitMQ, for the compatibility suite's reference broker.
# Called by harness/find-reference.ts and by hand: make-debian-root.sh [DIR]. Needs Debian or Ubuntu, and root.
# Invariant: DIR exists only when it is complete: it is built as DIR.tmp under a lock, and renamed at the end.
set -eu

default="${XDG_CACHE_HOME:-$HOME/.cache}/leveret/rabbitmq-sid"
root="${1:-${LEVERET_RABBITMQ_ROOT:-$default}}"
mirror="${LEVERET_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

if [ "$(id -u)" -ne 0 ]; then
  echo "make-debian-root: needs root for debootstrap and chroot, but runs as uid $(id -u)" >&2
  exit 1
fi

mkdir -p "$(dirname "$root")"
exec 9> "$root.lock"
flock 9 # a second run waits here, then finds the root made

if [ -x "$root/usr/lib/rabbitmq/bin/rabbitmq-server" ]; then
  echo "$root"
  exit 0
fi

if ! command -v debootstrap > /dev/null; then
  apt-get update >&2
  apt-get install -y --no-install-recommends debootstrap >&2
fi

rm -rf "$root" "$root.tmp"
debootstrap --variant=minbase sid "$root.tmp" "$mirror" >&2

# The package's post-install script would start a broker on the fixed port 5672.
printf '#!/bin/sh\nexit 101\n' > "$root.tmp/usr/sbin/policy-rc.d"
chmod 755 "$root.tmp/usr/sbin/policy-rc.d"
# minbase has no hosts file, and without one the Erlang node cannot find epmd on "localhost".
echo '127.0.0.1 localhost' > "$root.tmp/etc/hosts"

# No update before the install: debootstrap has just fetched and verified these very package lists.
chroot "$root.tmp" apt-get install -y --no-install-recommends rabbitmq-server >&2
chroot "$root.tmp" apt-get clean

mv "$root.tmp" "$root"
echo "$root"
