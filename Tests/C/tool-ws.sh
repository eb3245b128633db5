#!/bin/sh
# `gatewire ws` from outside, at both ends: pipes, a terminal, refusals, exit statuses.
set -eu
# shellcheck source=Tests/C/tool-common.sh
. "$(dirname "$0")/tool-common.sh"

# input FORMAT: what the tool reads next
input() {
  # shellcheck disable=SC2059  # the escapes are wanted
  printf "$1" > "$work/in"
}

# peer MODE: a server of few words for one connection, see tool-ws-peer.py; url is set
peer() {
  : > "$work/peer"
  python3 Tests/C/tool-ws-peer.py "$@" > "$work/peer" 2>&1 &
  children="$children $!"
  wait_for '^[0-9]' "$work/peer" || echo "    no peer"
  url=ws://127.0.0.1:$(head -n 1 "$work/peer")
}

# --- command lines ---

expect 2 "neither URL nor --listen" ws
verdict "what is missing is named" complains 'URL or --listen is missing'
expect 2 "both of them" ws ws://127.0.0.1:1 --listen 0
expect 2 "two URLs" ws ws://127.0.0.1:1 ws://127.0.0.1:2
expect 2 "an option of the other end" ws ws://127.0.0.1:1 --echo
verdict "it is named, and what it needs" complains '--echo needs --listen'
expect 2 "an option of this end" ws --listen 0 --one
verdict "it is named, and what it does not go with" complains '--one does not go with --listen'
for port in x 70000 127.0.0.1: ''; do
  expect 2 "a port that is none: $port" ws --listen "$port"
  verdict "a port that is none says what is wanted: $port" complains 'wants a port'
done
expect 2 "a listening address that is none" ws --listen localhost:0
verdict "it says what is wanted" complains 'literal address'
expect 2 "a certificate without its key" ws --listen 0 --cert "$work/none"
verdict "a missing key is named" complains '--cert and --key'
expect 2 "a certificate that is not there" ws --listen 0 --cert "$work/none" --key "$work/none"
expect 2 "plaintext off loopback" ws --listen 0.0.0.0:0 --plaintext
expect 2 "a header file that is not there" ws ws://127.0.0.1:1 --header-file "$work/none"
for option in --ping --linger --timeout --redirects --max-message --header; do
  expect 2 "a value that is none for $option" ws ws://127.0.0.1:1 "$option" soon
  verdict "$option says what it wants" complains "$option wants"
done
expect 2 "a count that is none" ws --listen 0 --max-connections 0
expect 2 "a reserved header" ws ws://127.0.0.1:1 --header 'Upgrade: h2c'
verdict "a reserved header is named" complains 'Upgrade'
expect 2 "a URL that is none" ws server.example:80
expect 2 "plain ws:// to another machine" ws ws://server.example
expect 2 "a pin that is none" ws wss://127.0.0.1:1 --pin abc
expect 3 "nobody listens" ws ws://127.0.0.1:1
verdict "nobody listens: who must act" complains 'to act'

# --- against an echo, over TLS ---

background echo ws --listen 0 --echo --subprotocol chat.v1 --origin https://good.example
secure=$url
input 'one\ntw\303\266\n\nlast'
expect 0 "lines in a pipe" ws "$url" --pin "$pin" --linger 0.3
verdict "every line comes back, empty and unfinished ones too" \
  sh -c "printf 'one\ntw\303\266\n\nlast\n' | cmp -s - '$work/out'"
verdict "how it ended" complains 'closed by gatewire: 1000'
verdict "whether it is encrypted and compressed" complains 'connected, encrypted, compressed'
expect 0 "without compression" ws "$url" --pin "$pin" --linger 0 --no-deflate
verdict "no compression was agreed" sh -c "! grep -q compressed '$work/err'"
expect 0 "the first message only" ws "$url" --pin "$pin" --one
verdict "one line" test "$(cat "$work/out")" = one
expect 0 "as JSON" ws "$url" --pin "$pin" --one --json --subprotocol chat.v1
verdict "one JSON object a line" json_lines "$work/out"
verdict "the subprotocol" says '"type":"open","subprotocol":"chat.v1"'
verdict "the message" says '"type":"message","text":"one"'
verdict "who closed, and how" says '"type":"closed","status":"GW_OK","by":"gatewire","code":1000'
input 'fine\n\377\nfine as well\n'
expect 2 "a line that is not UTF-8" ws "$url" --pin "$pin" --linger 0.3
verdict "it is named with its number" complains 'line 2'
verdict "the others are sent" test "$(cat "$work/out")" = "fine
fine as well"
input 'much too long\n'
expect 2 "a line above the limit" ws "$url" --pin "$pin" --max-message 8
verdict "the limit is named" complains '--max-message'
head -c 300000 /dev/urandom > "$work/in"
expect 0 "binary through a pipe" ws "$url" --pin "$pin" --binary --linger 0.5
verdict "the same bytes come back" cmp -s "$work/in" "$work/out"
input '\001\376'
expect 0 "binary as JSON" ws "$url" --pin "$pin" --binary --one --json
verdict "base64" says '"type":"message","binary":"Af4="'
: > "$work/in"
expect 4 "a wrong pin" ws "$url" --pin "$(echo "$pin" | tr '0-9a-f' '1-9a-f0')"
verdict "a wrong pin shows the one that was seen" complains "$pin"
expect 4 "no pin and no chain" ws "$url"
expect 5 "an origin that is not allowed" ws "$url" --pin "$pin" --origin https://bad.example
verdict "the answer's body is shown" complains 'body: origin https://bad.example is not allowed'
expect 0 "an origin that is allowed" ws "$url" --pin "$pin" --origin https://good.example --linger 0
expect 0 "a header" ws "$url" --pin "$pin" --header 'X-Test:  some value' --linger 0
verdict "the header arrives" wait_for '\["X-Test","some value"\]' "$work/echo"
printf 'X-First: 1\r\n\nX-Second:2\n' > "$work/headers"
expect 0 "headers from a file" ws "$url" --pin "$pin" --header-file "$work/headers" --linger 0
verdict "the headers arrive" wait_for '\["X-First","1"\],\["X-Second","2"\]' "$work/echo"

if command -v script > "$work/which"; then
  input '\001\376\n'
  status=0
  script -qec "$tool ws $secure --pin $pin --binary --one < $work/in" "$work/typescript" > "$work/out" < "$work/in" ||
    status=$?
  verdict "a terminal shows binary as hexadecimal ($status)" says '^01fe0a'
  input 'a\033[2Jb\n'
  status=0
  script -qec "$tool ws $secure --pin $pin --one < $work/in" "$work/typescript" > "$work/out" < "$work/in" || status=$?
  verdict "a message cannot steer a terminal ($status)" says '^a?\[2Jb'
  status=0
  printf 'typed\n\004' | script -qec "$tool ws $secure --pin $pin" "$work/typescript" > "$work/out" || status=$?
  verdict "a terminal marks what was received ($status)" says '^< typed'
  verdict "Ctrl-D closes politely" says 'closed by gatewire: 1000'
fi
: > "$work/in"

# --- client certificates ---

mkdir "$work/certificates"
Tests/C/certificates.sh "$work/certificates"
first=$server first_url=$url first_pin=$pin
background strict ws --listen 0 --echo --client-ca "$work/certificates/ca.pem"
input 'who I am\n'
expect 0 "a client certificate of the CA" ws "$url" --pin "$pin" --one \
  --client-cert "$work/certificates/client.crt" --client-key "$work/certificates/client.key"
verdict "it is let in" says '^who I am$'
status=0
timeout 10 "$tool" ws "$url" --pin "$pin" --one > "$work/out" 2> "$work/err" < "$work/in" || status=$?
verdict "without one nobody gets in ($status)" test "$status" -ne 0
stop TERM
server=$first url=$first_url pin=$first_pin
: > "$work/in"

# --- the end ---

"$tool" ws "$url" --pin "$pin" --linger forever > "$work/stays" 2>&1 < "$work/in" &
stays=$!
children="$children $stays"
wait_for connected "$work/stays" || true
kill -INT "$stays" 2> "$work/killed" || true
# A shell starts what is beside it without SIGINT; the tool takes it all the same.
status=0
wait "$stays" || status=$?
verdict "SIGINT closes politely ($status)" grep -q 'closed by gatewire: 1000' "$work/stays"
verdict "SIGINT is no failure" test "$status" -eq 0

"$tool" ws "$url" --pin "$pin" --linger forever > "$work/stays" 2>&1 < "$work/in" &
stays=$!
children="$children $stays"
wait_for connected "$work/stays" || true
stop TERM
verdict "--listen ends with 0 on SIGTERM" test "$status" -eq 0
verdict "--listen writes JSON lines" json_lines "$work/echo"
status=0
wait "$stays" || status=$?
verdict "a server that goes is no failure ($status)" test "$status" -eq 0
verdict "the code and the reason are shown" grep -q 'closed by the peer: 1001 ' "$work/stays"

peer refuse
expect 5 "a refused upgrade" ws "$url"
verdict "the status" complains '401'
verdict "the headers that matter" complains 'WWW-Authenticate: Bearer realm="peers"'
verdict "the body" complains 'body: who are you?'
peer refuse
expect 5 "a refused upgrade as JSON" ws "$url" --json
verdict "the body in JSON" says '"body":"who are you?\\n"'
peer redirect "$url"
expect 5 "a redirect is a refusal" ws "$url"
verdict "where it leads is shown" complains '  Location: ws://127.0.0.1:'
peer close 1000
target=$url
peer redirect "$target"
expect 0 "a redirect that is followed" ws "$url" --redirects 1 --linger forever
verdict "the target closes" complains 'closed by the peer: 1000 no more'
peer close 1011
expect 8 "a peer that closes with an error code" ws "$url" --linger forever
verdict "the error code and its reason" complains 'closed by the peer: 1011 no more'
peer close 1000
expect 0 "a peer that closes as it should" ws "$url" --linger forever
peer close 1000
expect 8 "a peer that closes before the one message" ws "$url" --one
peer vanish
expect 8 "a peer that vanishes" ws "$url" --linger forever
peer silent
expect 7 "no message in time" ws "$url" --one --linger 0.2
peer mute
expect 7 "no answer to the upgrade in time" ws "$url" --timeout 0.2
peer mute
"$tool" ws "$url" > "$work/stays" 2>&1 < "$work/in" &
stays=$!
children="$children $stays"
wait_for 'Upgrade: websocket' "$work/peer" || true
kill -TERM "$stays"
status=0
wait "$stays" || status=$?
verdict "SIGTERM while connecting is no failure ($status)" test "$status" -eq 0

# A reader that is slow to start: what is sent waits in the pipe, and --linger does not cut it off.
peer slow
yes 'a line of some length, again and again' | head -n 300000 > "$work/in"
expect 0 "more than a slow peer takes at once" ws "$url" --no-deflate --linger 0
verdict "all of it arrives" wait_for "^$(wc -l < "$work/in") messages" "$work/peer"

# --- to everybody who connects ---

mkfifo "$work/fifo"
"$tool" ws --listen 0 --plaintext > "$work/hub.out" 2> "$work/hub.err" < "$work/fifo" &
server=$!
children="$children $server"
exec 3> "$work/fifo"
wait_for 'listening on' "$work/hub.err" || true
url=$(sed -n 's/^listening on *//p' "$work/hub.err")
: > "$work/in"
for one in first second; do
  "$tool" ws "$url" --one > "$work/$one" 2>&1 < "$work/in" &
  children="$children $!"
  eval "$one=$!"
done
for one in first second; do wait_for connected "$work/$one" || true; done
echo 'hello to all' >&3
# shellcheck disable=SC2154  # set by eval above
wait "$first" "$second" || true
verdict "a line reaches the first" grep -q '^hello to all$' "$work/first"
verdict "and the second" grep -q '^hello to all$' "$work/second"
input 'from one\n'
expect 0 "a message to it" ws "$url" --linger 0
verdict "is shown behind the connection's number" wait_for '^[0-9]*: from one$' "$work/hub.out"
exec 3>&-
stop INT
verdict "SIGINT ends --listen with 0 ($status)" test "$status" -eq 0

sums
