#!/bin/sh
# Runs networks.c in networks of its own: one with both families, one with IPv6 alone.  They live in namespaces that end
# with the program.  Whoever may make none is told so, and the tests are skipped.
#   networks.sh PROGRAM DRIVE
set -eu
program=$1
drive=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# namespace SCRIPT ARGUMENTS...: in network, mount and, without root, user namespaces of its own
namespace() {
  if [ "$(id -u)" = 0 ]; then unshare --net --mount -- "$@"; else unshare --net --mount --map-root-user -- "$@"; fi
}

cat > "$work/enter" <<'EOF_ENTER'
#!/bin/sh
# enter WORK FAMILIES PROGRAM DRIVE
set -eu
ip link set lo up
# Two ends of a cable with nobody at the other one: what goes to the neighbour that is made up is never answered.
ip link add gw0 type veth peer name gw1
ip link set gw1 up
ip link set gw0 up
for address in 2001:db8::1 2001:db8::2; do ip -6 addr add $address/64 dev gw0 nodad; done
# The kernel takes the addresses into use a little later.
tries=0
until ip -6 route get 2001:db8::1 > "$1/route" 2>&1 && ip -6 route get 2001:db8::2 > "$1/route" 2>&1 ||
  [ $tries -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
ip -6 neigh add 2001:db8::dead lladdr 02:00:00:00:00:01 dev gw0 nud permanent
if [ "$2" = both ]; then
  ip addr add 192.0.2.1/24 dev gw0
  ip neigh add 192.0.2.53 lladdr 02:00:00:00:00:01 dev gw0 nud permanent
fi
mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/resolv.conf" /etc/resolv.conf
shift
exec "$2" "$3" "$1"
EOF_ENTER
chmod +x "$work/enter"

cat > "$work/hosts" <<'EOF_HOSTS'
127.0.0.1 localhost
2001:db8::1 both.test
192.0.2.1 both.test
2001:db8::dead dead.test
192.0.2.1 dead.test
2001:db8::2 refused.test
192.0.2.1 refused.test
2001:db9::1 unreachable.test
192.0.2.1 unreachable.test
2001:db8::1 six.test
EOF_HOSTS
# A name server that never answers.
printf 'nameserver 192.0.2.53\noptions timeout:10 attempts:1\n' > "$work/resolv.conf"

if ! namespace ip link add gw0 type veth peer name gw1 > "$work/log" 2>&1; then
  echo "# skipped: no right to make network namespaces: $(tail -n 1 "$work/log")"
  echo "ok 1 - networks (skipped: needs root)"
  echo "1..1"
  echo "1 passed, 0 failed"
  exit 0
fi
namespace "$work/enter" "$work" both "$program" "$drive" > "$work/both" || true
namespace "$work/enter" "$work" six "$program" "$drive" > "$work/six" || true
grep -hv '^[0-9]* passed, ' "$work/both" "$work/six" || true
# A run that did not come to its end has no sums.
awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3; ++runs }
  END { print passed + 0 " passed, " failed + 2 - runs " failed"; exit failed + 2 - runs > 0 }' "$work/both" "$work/six"
