#!/bin/sh
# Real proxies between the tool and the embedded gateway: squid and tinyproxy (HTTP CONNECT), microsocks and Dante (SOCKS 5),
# stunnel in front of tinyproxy (TLS to the proxy), each with and without a password where it has one.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
chmod 755 "$work"
children=
passed=0
failed=0

finish() {
  for child in $children; do kill "$child" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

# verdict NAME COMMAND...
verdict() {
  name=$1
  shift
  if "$@" > "$work/log" 2>&1; then
    echo "ok - $name"
    passed=$((passed + 1))
  else
    sed 's/^/    /' "$work/log"
    echo "not ok - $name"
    failed=$((failed + 1))
  fi
}

free_port() {
  python3 -c 'import socket
with socket.socket() as s: s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# until_listening PORT: twenty seconds at most
until_listening() {
  python3 - "$1" <<'PYTHON'
import socket, sys, time
end = time.monotonic() + 20
while True:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        break
    except OSError:
        if time.monotonic() > end: raise
        time.sleep(0.05)
PYTHON
}

Tests/C/certificates.sh "$work"
build/gatewire serve --port 0 --json > "$work/gateway" &
children=$!
while [ ! -s "$work/gateway" ]; do sleep 0.1; done
url=$(sed -n '1s/.*"url":"\([^"]*\)".*/\1/p' "$work/gateway")
pin=$(sed -n '1s/.*"certificatePin":"\([^"]*\)".*/\1/p' "$work/gateway")
target_port=${url##*:}

# call PROXY [MORE...]: a call through it; the URL has the name so that the proxy has something to resolve
call() {
  proxy=$1
  shift
  build/gatewire call "wss://localhost:$target_port" health --pin "$pin" --proxy "$proxy" --timeout 10 "$@"
}

# refused STATUS PATTERN PROXY: exit status and text of a proxy that says no
refused() {
  wanted=$1 pattern=$2
  shift 2
  status=0
  call "$@" || status=$?
  [ "$status" -eq "$wanted" ] && grep -q -e "$pattern" "$work/log"
}

# --- squid ---

squid_port=$(free_port)
secure_squid_port=$(free_port)
printf 'user:%s\n' "$(openssl passwd -apr1 secret)" > "$work/passwords"
squid=$(command -v squid || echo /usr/sbin/squid)
for kind in open closed; do
  port=$squid_port
  access='http_access allow localhost'
  if [ $kind = closed ]; then
    port=$secure_squid_port
    access="auth_param basic program /usr/lib/squid/basic_ncsa_auth $work/passwords
acl known proxy_auth REQUIRED
http_access allow known"
  fi
  mkdir "$work/squid-$kind"
  chmod 777 "$work/squid-$kind"
  cat > "$work/squid-$kind.conf" <<EOF
http_port 127.0.0.1:$port
pid_filename none
cache deny all
access_log none
cache_log $work/squid-$kind/log
coredump_dir $work/squid-$kind
shutdown_lifetime 0 seconds
$access
http_access deny all
EOF
  chmod 644 "$work/squid-$kind.conf" "$work/passwords"
  "$squid" -N -n "gatewire$kind$$" -f "$work/squid-$kind.conf" > "$work/squid-$kind.out" 2>&1 &
  children="$children $!"
done
until_listening "$squid_port"
until_listening "$secure_squid_port"
verdict "squid: a call through CONNECT" call "http://127.0.0.1:$squid_port"
verdict "squid: with user and password" call "http://user:secret@127.0.0.1:$secure_squid_port"
verdict "squid: without a password it is refused with 407" refused 3 "407" "http://127.0.0.1:$secure_squid_port"
verdict "squid: a wrong password is named as such" \
  refused 3 "refuses user and password" "http://user:wrong@127.0.0.1:$secure_squid_port"

# --- tinyproxy, and TLS in front of it ---

tiny_port=$(free_port)
cat > "$work/tinyproxy.conf" <<EOF
Port $tiny_port
Listen 127.0.0.1
Timeout 600
Allow 127.0.0.1
LogFile "$work/tinyproxy.log"
LogLevel Error
EOF
tinyproxy -d -c "$work/tinyproxy.conf" > "$work/tinyproxy.out" 2>&1 &
children="$children $!"
until_listening "$tiny_port"
verdict "tinyproxy: a call through CONNECT" call "http://127.0.0.1:$tiny_port"
gateway_port=$target_port
target_port=1
verdict "tinyproxy: a port where nobody listens" refused 3 "GW_ERR_PROXY_REFUSED" "http://127.0.0.1:$tiny_port"
target_port=$gateway_port

stunnel_port=$(free_port)
cat > "$work/stunnel.conf" <<EOF
foreground = yes
pid =
debug = err
[proxy]
accept = 127.0.0.1:$stunnel_port
connect = 127.0.0.1:$tiny_port
cert = $work/good.pem
EOF
stunnel "$work/stunnel.conf" > "$work/stunnel.out" 2>&1 &
children="$children $!"
until_listening "$stunnel_port"
verdict "stunnel and tinyproxy: TLS to the proxy, TLS to the gateway through it" \
  call "https://localhost:$stunnel_port" --proxy-ca "$work/ca.pem"
verdict "stunnel: a proxy that is not trusted gets no CONNECT" refused 4 "the proxy localhost" "https://localhost:$stunnel_port"

# --- microsocks ---

socks_port=$(free_port)
secure_socks_port=$(free_port)
microsocks -i 127.0.0.1 -p "$socks_port" > "$work/microsocks.out" 2>&1 &
children="$children $!"
microsocks -i 127.0.0.1 -p "$secure_socks_port" -u user -P secret > "$work/microsocks2.out" 2>&1 &
children="$children $!"
until_listening "$socks_port"
until_listening "$secure_socks_port"
verdict "microsocks: names resolved by the proxy" call "socks5h://127.0.0.1:$socks_port"
verdict "microsocks: names resolved here" call "socks5://127.0.0.1:$socks_port"
verdict "microsocks: with user and password" call "socks5h://user:secret@127.0.0.1:$secure_socks_port"
verdict "microsocks: without, it is refused" refused 3 "wants user and password" "socks5h://127.0.0.1:$secure_socks_port"

# --- Dante ---

danted=$(command -v danted || echo /usr/sbin/danted)
dante_port=$(free_port)
secure_dante_port=$(free_port)
for kind in open closed; do
  port=$dante_port
  method=none
  if [ $kind = closed ]; then
    port=$secure_dante_port
    method=username
  fi
  # With a password it knows the users of the system, of whom none is asked for here.
  cat > "$work/dante-$kind.conf" <<EOF
logoutput: $work/dante-$kind.log
internal: 127.0.0.1 port = $port
external: 127.0.0.1
clientmethod: none
socksmethod: $method
user.privileged: $(id -un)
user.unprivileged: $(id -un)
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 1 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
EOF
  "$danted" -f "$work/dante-$kind.conf" -p "$work/dante-$kind.pid" > "$work/dante-$kind.out" 2>&1 &
  children="$children $!"
done
until_listening "$dante_port"
until_listening "$secure_dante_port"
verdict "Dante: names resolved by the proxy" call "socks5h://127.0.0.1:$dante_port"
verdict "Dante: names resolved here" call "socks5://127.0.0.1:$dante_port"
target_port=1
verdict "Dante: a target that its rules block" refused 3 "GW_ERR_PROXY_REFUSED" "socks5h://127.0.0.1:$dante_port"
target_port=$gateway_port
verdict "Dante: without a password it is refused" refused 3 "wants user and password" "socks5h://127.0.0.1:$secure_dante_port"
verdict "Dante: a wrong password is named as such" \
  refused 3 "refuses user and password" "socks5h://nobody-here:wrong@127.0.0.1:$secure_dante_port"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
