#!/bin/sh
# nginx ends TLS in front of the embedded gateway and forwards the Upgrade headers: calls, streamed runs and events pass.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
children=
passed=0
failed=0

finish() {
  for child in $children; do kill "$child" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

verdict() {
  name=$1
  shift
  if "$@" > "$work/log" 2>&1; then
    echo "ok - $name"
    passed=$((passed + 1))
  else
    sed 's/^/    /' "$work/log" "$work/nginx.log"
    echo "not ok - $name"
    failed=$((failed + 1))
  fi
}

Tests/C/certificates.sh "$work"
build/gatewire serve --plaintext --port 0 --tick 0.2 --json > "$work/gateway" &
children=$!
while [ ! -s "$work/gateway" ]; do sleep 0.1; done
backend=$(sed -n '1s/.*"port":\([0-9]*\).*/\1/p' "$work/gateway")
port=$(python3 -c 'import socket
with socket.socket() as s: s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

cat > "$work/nginx.conf" <<EOF
daemon off;
worker_processes 1;
error_log $work/nginx.log;
pid $work/nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path $work/body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:$port ssl;
    ssl_certificate $work/good.pem;
    ssl_certificate_key $work/good.pem;
    location / {
      proxy_pass http://127.0.0.1:$backend;
      proxy_http_version 1.1;
      proxy_set_header Upgrade \$http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host \$host;
      proxy_set_header X-Forwarded-For \$remote_addr;
    }
    location /elsewhere { return 503 "not here"; }
  }
}
EOF
: > "$work/nginx.log"
"$(command -v nginx || echo /usr/sbin/nginx)" -c "$work/nginx.conf" -p "$work" 2>> "$work/nginx.log" &
children="$children $!"
tries=0
until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null || [ $tries -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done

url=wss://127.0.0.1:$port
pin=$(openssl x509 -in "$work/good.pem" -noout -fingerprint -sha256 | cut -d = -f 2)
run='{"sessionKey":"main","message":"hello","idempotencyKey":"nginx-1"}'
refused() {
  status=0
  build/gatewire call "$url/elsewhere" health --pin "$pin" || status=$?
  [ "$status" -eq 5 ]
}
verdict "a call, trusted by its chain" build/gatewire call "$url" health --ca "$work/ca.pem"
verdict "a call, trusted by its pin" build/gatewire call "$url" health --pin "$pin"
verdict "a run to its end" build/gatewire call "$url" chat.send "$run" --pin "$pin" --expect-final
verdict "events" build/gatewire events "$url" --pin "$pin" --name tick --count 3
verdict "a refused upgrade" refused
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
