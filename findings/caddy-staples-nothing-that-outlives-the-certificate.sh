#!/usr/bin/env bash
# Caddy staples nothing when nextUpdate is later than the certificate's own end: a good, signed, fresh answer is dropped.
#
# Expected: an answer "good" is stapled until its nextUpdate. When the certificate ends is another matter, which the client sees for itself.
# Instead: Caddy calls it invalid and staples nothing. With answers of 7 days no certificate has a staple in its last 7 days, and a
#   short-lived one never has one; a certificate that says "must staple" is then refused by Firefox. The handshake shows no reason; the
#   log has a warning.
# Versions: Debian 12: caddy 2.6.2-5, asked by `openssl s_client -status`; a certificate of 2 days, which Caddy is given as files.
# Seen: "answer of 1 day: good", "answer of 3 days: no staple", "answer without nextUpdate: good", and in the log
#   "invalid: OCSP response for [localhost] valid after certificate expiration (-24h0m0s)".
# Why it matters: who signs answers ahead (`openssl ocsp -ndays 7`) gives one end to all of them. For sites on Caddy
#   nextUpdate has to be no later than notAfter of the certificate. caddyserver/caddy #7377 meets it with 2-day certificates of a public CA.
# Clause: RFC 6960, 4.2.2.1 (nextUpdate); no clause sets it against the certificate's validity.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download caddy=2.6.2-5 || { echo 'the package cannot be fetched'; exit 1; }
dpkg -x ./*.deb root

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
timeout 120 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
printf 'subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:%s/\n' "$(cat port)" >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 2 -extfile site.ext -out site.pem 2>/dev/null
cat site.pem ca.pem >chain.pem
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

# try NAME EXPECTED OPTIONS...: what Caddy staples, started anew with an answer that is signed with these options
try() {
  local port pid said
  openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner ca.pem -rkey ca.key -no_nonce -noverify "${@:3}" \
    -respout answer.der >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed "openssl does not take it: $1"; }
  port=$(free_port)
  printf '{\n admin off\n auto_https off\n storage file_system %s\n}\nhttps://localhost:%s {\n bind 127.0.0.1\n tls chain.pem site.key\n respond hi\n}\n' \
    "$dir/store" "$port" >Caddyfile
  rm -rf store
  HOME=$dir XDG_DATA_HOME=$dir XDG_CONFIG_HOME=$dir timeout 30 root/usr/bin/caddy run --config Caddyfile >caddy.txt 2>&1 &
  pid=$!
  pids+=("$pid")
  timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || { cat caddy.txt; changed 'Caddy does not listen'; }
  timeout 15 openssl s_client -connect "127.0.0.1:$port" -servername localhost -status </dev/null >tls.txt 2>&1 || true
  said=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/no staple/p' tls.txt)
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  unset 'pids[-1]'
  echo "answer $1: $said"
  [ "$said" = "$2" ] || { cat caddy.txt; changed "answer $1: expected $2"; }
}
try 'of 1 day' good -ndays 1
try 'of 3 days' 'no staple' -ndays 3
grep -o 'invalid: OCSP response.*valid after certificate expiration[^"]*' caddy.txt || changed 'Caddy says otherwise why'
try 'without nextUpdate' good
echo 'as described: no staple that outlives the certificate'
