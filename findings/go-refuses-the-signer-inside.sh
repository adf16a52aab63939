#!/usr/bin/env bash
# Go (Caddy, nats-server): an answer that an intermediate CA signed itself, with its own certificate inside, has "bad OCSP signature".
#
# Expected: a CA may sign the answers about its certificates, and may put its certificate inside to help; openssl does so by default.
# Instead: golang.org/x/crypto/ocsp takes the first certificate inside for a delegate's, and looks for the issuer's signature on it. A root's
#   certificate has it, for a root signs itself; that of an intermediate CA has the root's. So Caddy staples nothing, and nats-server with
#   "ocsp: always" does not start. Tests with a root as the only CA see nothing of it.
# Versions: Debian 12: caddy 2.6.2-5, nats-server 2.9.10-1+b3, asked by `openssl s_client -status`. One answer each, all of which
#   `openssl ocsp` takes.
# Seen: "root signs, its certificate inside: Caddy good, NATS good", "intermediate signs, its certificate inside: Caddy nothing, NATS does not start",
#   "intermediate signs, nothing inside: Caddy good, NATS good", "delegate of the intermediate signs: Caddy good, NATS good".
#   Caddy logs "parsing OCSP response: bad OCSP signature: x509: ECDSA verification failure".
# Why it matters: the certificate that GnuTLS wants inside is what Go refuses. A delegate that signs is taken by both; or a
#   responder for Go clients leaves the intermediate's certificate out (`-resp_no_certs`; of this package: `--embed none`).
#   golang/go #59641 and #81395 report it for later versions, too.
# Clause: RFC 6960, 4.2.1 (certs help to verify) and 4.2.2.2 (the CA itself may sign).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download caddy=2.6.2-5 nats-server=2.9.10-1+b3 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
timeout 180 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

# issue NAME CA SERIAL EXTENSIONS: a certificate of that CA, its key in NAME.key
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out csr.pem -subj "/CN=$1" 2>/dev/null
  openssl x509 -req -in csr.pem -CA "$2.pem" -CAkey "$2.key" -set_serial "$3" -days 2 -out "$1.pem" -extfile <(printf '%b' "$4") 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -subj /CN=root -days 2 2>/dev/null
issue intermediate root 2 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\n'
issue delegate intermediate 3 'extendedKeyUsage=OCSPSigning\n'
site="subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:$(cat port)/\n"
issue of-root root 0x1A2B "$site"
issue of-intermediate intermediate 0x1A2B "$site"
cat of-root.pem root.pem >of-root.chain
cat of-intermediate.pem intermediate.pem >of-intermediate.chain
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
# wait_for PORT PID: until somebody listens there; fails when the process ends before
wait_for() {
  for _ in $(seq 150); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    kill -0 "$2" 2>/dev/null || return 1
    sleep 0.1
  done
  changed "nobody listens, and pid $2 goes on"
}
stop() { kill "$1" 2>/dev/null || true; wait "$1" 2>/dev/null || true; unset 'pids[-1]'; }

# caddy CERTIFICATE, nats CERTIFICATE: what the server makes of answer.der
caddy() {
  local port pid
  port=$(free_port)
  printf '{\n admin off\n auto_https off\n storage file_system %s\n}\nhttps://localhost:%s {\n bind 127.0.0.1\n tls %s.chain %s.key\n respond hi\n}\n' \
    "$dir/store" "$port" "$1" "$1" >Caddyfile
  rm -rf store
  HOME=$dir XDG_DATA_HOME=$dir XDG_CONFIG_HOME=$dir timeout 30 root/usr/bin/caddy run --config Caddyfile >caddy.txt 2>&1 &
  pid=$!
  pids+=("$pid")
  wait_for "$port" "$pid" || { cat caddy.txt; changed 'Caddy does not start'; }
  timeout 15 openssl s_client -connect "127.0.0.1:$port" -servername localhost -status </dev/null >tls.txt 2>&1 || true
  said=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/nothing/p' tls.txt)
  stop "$pid"
}
nats() {
  local port pid
  port=$(free_port)
  printf 'host: 127.0.0.1\nport: %s\nstore_dir: %s\nocsp { mode: always }\ntls { cert_file: %s.chain, key_file: %s.key }\n' \
    "$port" "$dir/nats" "$1" "$1" >nats.conf
  rm -rf nats
  timeout 30 root/usr/sbin/nats-server -c nats.conf >nats.txt 2>&1 &
  pid=$!
  pids+=("$pid")
  if wait_for "$port" "$pid"; then
    for _ in $(seq 50); do grep -q 'Found OCSP status' nats.txt && break; sleep 0.1; done
    said=$(sed -n "s/.*Found OCSP status.*: \([a-z]*\), next update.*/\1/p" nats.txt)
  else
    said='does not start'
  fi
  stop "$pid"
}

# try NAME CERTIFICATE ISSUER EXPECTED-CADDY EXPECTED-NATS OPTIONS...
try() {
  local caddy nats
  openssl ocsp -CA "$3.pem" -issuer "$3.pem" -cert "$2.pem" -index index.txt -no_nonce -noverify -ndays 1 "${@:6}" -respout answer.der \
    >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer "$3.pem" -cert "$2.pem" -no_nonce -CAfile root.pem -verify_other "$3.pem" >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q "^$2.pem: good" check.txt || { cat check.txt; changed "openssl does not take it: $1"; }
  caddy "$2"
  caddy=$said
  nats "$2"
  nats=$said
  echo "$1: Caddy $caddy, NATS $nats"
  [ "$caddy" = "$4" ] || { cat caddy.txt; changed "Caddy, $1: expected $4"; }
  [ "$nats" = "$5" ] || { cat nats.txt; changed "NATS, $1: expected $5"; }
}
try 'root signs, its certificate inside' of-root root good good -rsigner root.pem -rkey root.key
try 'intermediate signs, its certificate inside' of-intermediate intermediate nothing 'does not start' -rsigner intermediate.pem \
  -rkey intermediate.key
grep -q 'parsing OCSP response: bad OCSP signature' caddy.txt || changed 'Caddy says otherwise why'
grep -q 'bad OCSP signature' nats.txt || changed 'NATS says otherwise why'
try 'intermediate signs, nothing inside' of-intermediate intermediate good good -rsigner intermediate.pem -rkey intermediate.key \
  -resp_no_certs
try 'delegate of the intermediate signs' of-intermediate intermediate good good -rsigner delegate.pem -rkey delegate.key
echo 'as described: what an intermediate CA signs with its certificate inside is refused'
