#!/bin/sh
# The tool from outside: exit statuses, one JSON object a line, secrets that stay secret, signals.
set -eu
# shellcheck source=Tests/C/tool-common.sh
. "$(dirname "$0")/tool-common.sh"

TOKEN=a-token-that-nobody-guesses
printf '%s\n' "$TOKEN" > "$work/token"

# serve NAME ARGUMENTS...: a gateway in the background
serve() {
  name=$1
  shift
  background "$name" serve --port 0 "$@"
}

# --- command lines ---

expect 0 "--help" --help
verdict "--help names every command" says 'serve .*'
for command in serve call events pin ws; do
  expect 0 "$command --help" "$command" --help
  verdict "$command --help names exit statuses" says 'Exit status'
done
expect 0 "call -h" call -h
verdict "-h is --help" says 'Exit status'
expect 0 "help call" help call
verdict "help call is call --help" says 'Exit status'
expect 2 "help for an unknown command" help frobnicate
expect 0 "--version" --version
verdict "--version names OpenSSL" says 'OpenSSL'
expect 2 "no command"
expect 2 "an unknown command" frobnicate
verdict "an unknown command is answered with the known ones" complains 'serve call events doctor pin ws'
expect 2 "an unknown option" call --tokn="$TOKEN" ws://127.0.0.1:1 health
verdict "an unknown option is answered with the known ones" complains '--token-file'
expect 2 "a missing argument" call ws://127.0.0.1:1
expect 2 "an option without its value" call ws://127.0.0.1:1 health --pin
expect 2 "a value for an option that has none" call ws://127.0.0.1:1 health --json=yes
expect 2 "a number that is none" serve --port 70000
expect 2 "an address that is none" serve --address localhost --port 0
expect 2 "a certificate without its key" serve --cert "$work/none" --port 0
verdict "a missing key is named" complains '--cert and --key'
expect 2 "a time that is none" call ws://127.0.0.1:1 health --timeout soon
expect 2 "a file that is not there" call ws://127.0.0.1:1 health --token-file "$work/none"
expect 2 "a URL that is none" call gateway health
expect 2 "plain ws:// to another machine" call ws://gateway.example health
verdict "plain ws:// says who must act" complains 'to act'
expect 2 "a pin that is none" call wss://127.0.0.1:1 health --pin abc

# --- against a gateway ---

serve gateway --token-file "$work/token" --tick 0.1
gateway=$server
expect 3 "nobody listens" call ws://127.0.0.1:1 health
expect 0 "a call, token from a file" call "$url" health --pin "$pin" --token-file "$work/token"
verdict "the answer is JSON" python3 -m json.tool "$work/out" /dev/null
expect 0 "a call, token as option" call "$url" health --pin="$pin" --token "$TOKEN"
GATEWIRE_TOKEN=$TOKEN expect 0 "a call, token from the environment" call "$url" health --pin "$pin"
expect 5 "a call without token" call "$url" health --pin "$pin"
verdict "a missing token says who must act" complains 'credential'
expect 5 "a wrong token" call "$url" health --pin "$pin" --token wrong --json
verdict "errors are JSON as well" json_lines "$work/out"
export GATEWIRE_TOKEN="$TOKEN"
expect 4 "a wrong pin" call "$url" health --pin "$(echo "$pin" | tr '0-9a-f' '1-9a-f0')"
verdict "a wrong pin shows the one that was seen" complains "$pin"
expect 4 "no pin and no chain" call "$url" health
expect 0 "another URL of the gateway" call wss://127.0.0.1:1 health --alternate "$url" --pin "$pin"
expect 0 "doctor, all is well" doctor "$url" --pin "$pin"
verdict "doctor shows nine steps" test "$(grep -c -e '^ok ' -e '^- ' "$work/out")" -eq 9
verdict "doctor has the tick" says '^ok  *tick '
expect 4 "doctor, a wrong pin" doctor "$url" --pin "$(echo "$pin" | tr '0-9a-f' '1-9a-f0')"
verdict "doctor says which step has failed" says "^FAILED  pin .*seen $pin"
verdict "doctor says who must act" says '^to act: you'
expect 5 "doctor, a wrong token" doctor "$url" --pin "$pin" --token wrong --json
verdict "doctor's steps are JSON lines" json_lines "$work/out"
verdict "doctor tells the failed step" says '"step":"auth","result":"failed","status":"GW_ERR_CONNECT_REJECTED"'
verdict "doctor's end is JSON" says '"type":"done","status":"GW_ERR_CONNECT_REJECTED","step":"auth"'
expect 3 "doctor, nobody listens" doctor ws://127.0.0.1:1 --no-tick
expect 6 "a method that is not there" call "$url" no.such.method --pin "$pin" --json
verdict "a rejection has its code" says '"name":"INVALID_REQUEST"'
expect 2 "params that are no JSON" call "$url" health '{' --pin "$pin"
echo '{"sessionKey":"main","message":"hi","idempotencyKey":"tool-1"}' > "$work/in"
expect 0 "a run to its end, params from standard input" call "$url" chat.send - --pin "$pin" --expect-final --events --json
verdict "one JSON object a line" json_lines "$work/out"
verdict "accepted comes first" says '"type":"accepted"'
verdict "events are streamed" says '"event":"chat"'
verdict "the result comes last" sh -c "tail -n 1 '$work/out' | grep -q '\"type\":\"result\"'"
: > "$work/in"
expect 0 "events" events "$url" --pin "$pin" --count 2 --name tick --json
verdict "as many as wanted" test "$(grep -c '"event":"tick"' "$work/out")" -eq 2
verdict "events are JSON lines" json_lines "$work/out"
expect 0 "pin" pin "${url#wss://}"
verdict "pin shows what the gateway shows" says "$pin"
verdict "pin shows the pin of the key" says 'key:[0-9a-f]\{64\}'
keypin=$(sed -n 's/^key  *//p' "$work/out")
expect 0 "a call with the pin of the key" call "$url" health --pin "$keypin" --token "$TOKEN"
expect 4 "a pin is not enough where the CA counts too" call "$url" health --pin "$keypin" --trust pin-and-ca --token "$TOKEN"
expect 0 "a pin is enough where the CA would be, too" call "$url" health --pin "$keypin" --trust pin-or-ca --token "$TOKEN"
expect 2 "a trust mode that is none" call "$url" health --pin "$keypin" --trust blindly
expect 2 "a client certificate without its key" call "$url" health --pin "$keypin" --client-cert "$work/none"
expect 0 "pin --json" pin "$url" --json
verdict "pin is a JSON line" json_lines "$work/out"
unset GATEWIRE_TOKEN
server=$gateway
stop TERM
verdict "serve ends with 0 on SIGTERM" test "$status" -eq 0
verdict "serve writes JSON lines" json_lines "$work/gateway"
verdict "serve says that it ended" grep -q '"type":"closed"' "$work/gateway"
cat "$work/gateway" >> "$work/all"
verdict "no output has the token" sh -c "! grep -q '$TOKEN' '$work/all'"

# --- time limits and losses ---

python3 -c 'import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(60)' > "$work/silent" &
children="$children $!"
wait_for '[0-9]' "$work/silent" || true
expect 7 "silence" call "ws://127.0.0.1:$(cat "$work/silent")" health --timeout 0.2

serve losing --plaintext
"$tool" events "$url" --once > "$work/lost" 2>&1 &
events=$!
children="$children $events"
wait_for connected "$work/lost" || true
stop KILL 2> "$work/killed"
status=0
wait "$events" || status=$?
verdict "a lost connection ends events --once with 8 ($status)" test "$status" -eq 8

mkdir "$work/certificates"
Tests/C/certificates.sh "$work/certificates"
expect 2 "optional client certificates of nobody" serve --port 0 --client-optional
verdict "what they need is named" complains '--client-optional needs --client-ca'
expect 2 "client certificates without TLS" serve --port 0 --client-ca "$work/certificates/ca.pem" --plaintext
serve strict --client-ca "$work/certificates/ca.pem"
shown="--client-cert $work/certificates/client.crt --client-key $work/certificates/client.key"
# shellcheck disable=SC2086  # a list of words
expect 0 "a client certificate of the CA" call "$url" health --pin "$pin" $shown
status=0
"$tool" call "$url" health --pin "$pin" > "$work/out" 2> "$work/err" || status=$?
verdict "without one nobody gets in ($status)" test "$status" -ne 0
stop TERM
serve lenient --client-ca "$work/certificates/ca.pem" --client-optional
expect 0 "without one where it is optional" call "$url" health --pin "$pin"
stop TERM

serve full --plaintext
status=0
"$tool" call "$url" health > /dev/full 2> "$work/err" || status=$?
verdict "a full disk ends it with 9 ($status)" test "$status" -eq 9
verdict "a full disk is named" complains 'standard output'
status=0
"$tool" call "$url" health > "$work/out" 2> "$work/err" <&- || status=$?
verdict "a closed standard input is none of the connection's ($status)" test "$status" -eq 0
stop TERM

serve interrupted --plaintext
stop INT
verdict "serve ends with 0 on SIGINT ($status)" test "$status" -eq 0

sums
