#!/bin/sh
# Makes the certificates of the TLS tests in a directory: a CA (ca.pem) and, each with its key in one file, signed by it:
# good.pem for 127.0.0.1 and localhost, chained.pem (the same, which shows the CA too), renewed.pem (another certificate for the key of
# good.pem), expired.pem, early.pem (not yet valid), other.pem for another name, weak.pem with an RSA key of 1024 bits, and client.pem for
# clients, also as client.p12 and with the key encrypted in locked.key, both with the passphrase "canary-passphrase".  self.pem has signed
# itself.
set -eu
cd "$1"

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

: > index
cat > ca.conf <<EOF
[ca]
default_ca = ours
[ours]
database = index
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
rand_serial = yes
unique_subject = no
policy = names
[names]
commonName = supplied
[req]
distinguished_name = none
[none]
[v3_ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
EOF
key ca.key
openssl req -x509 -new -config ca.conf -extensions v3_ca -key ca.key -subj "/CN=gatewire test CA" -days 3650 -out ca.pem

# issue NAME SUBJECT_ALT_NAMES START END
issue() {
  [ -f "$1.key" ] || key "$1.key"
  openssl req -new -config ca.conf -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  printf 'subjectAltName = %s\nbasicConstraints = CA:FALSE\n' "$2" > "$1.ext"
  openssl ca -batch -config ca.conf -in "$1.csr" -extfile "$1.ext" -startdate "$3" -enddate "$4" -notext \
    -out "$1.crt" 2>/dev/null
  cat "$1.crt" "$1.key" > "$1.pem"
}

issue good IP:127.0.0.1,DNS:localhost 20200101000000Z 20491231235959Z
issue expired IP:127.0.0.1,DNS:localhost 20200101000000Z 20210101000000Z
issue early IP:127.0.0.1,DNS:localhost 20480101000000Z 20491231235959Z
issue other DNS:gateway.example 20200101000000Z 20491231235959Z
cat good.crt ca.pem good.key > chained.pem
cp good.key renewed.key
issue renewed IP:127.0.0.1,DNS:localhost 20200101000000Z 20491231235959Z
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key
issue weak IP:127.0.0.1,DNS:localhost 20200101000000Z 20491231235959Z
issue client DNS:client.example 20200101000000Z 20491231235959Z
openssl pkcs8 -topk8 -in client.key -passout pass:canary-passphrase -out locked.key
openssl pkcs12 -export -inkey client.key -in client.crt -passout pass:canary-passphrase -out client.p12
key self.key
openssl req -x509 -new -config ca.conf -key self.key -subj "/CN=self" -addext subjectAltName=IP:127.0.0.1 -days 3650 -out self.crt
cat self.crt self.key > self.pem
