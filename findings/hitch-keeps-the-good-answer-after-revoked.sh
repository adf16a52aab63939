#!/usr/bin/env bash
# hitch drops an answer "revoked" and goes on stapling the older "good" one until that ends, also when it is started anew.
#
# Expected: the newest answer is stapled, whatever it says; or none, once the responder has said "revoked".
# Instead: hitch keeps only "good" ones. It notes "has status revoked" in its log, leaves the older answer in its ocsp-dir, and staples
#   that. While nextUpdate is more than ten minutes away it asks nobody at all, not even at its start.
# Versions: Debian 12: hitch 1.7.2-1+b1 with libev4 4.33-1, ocsp-dir; asked by `openssl s_client -status`.
# Seen: "answer of a day, then revoked, started anew: staple good, questions: 0", "answer of 9 minutes, then revoked, started anew: staple good,
#   questions: 1, logged as revoked", "then with an empty ocsp-dir: staple none, questions: 1, logged as revoked".
# Why it matters: a certificate that is revoked keeps its good staple for the whole life of the last good answer, a week with answers of a
#   week, though the responder is asked and answers. After a revocation empty the ocsp-dir and start hitch anew; or let the answers live for
#   hours only.
# Clause: RFC 6066, 8, leaves to the server which answer it sends; RFC 6960, 2.4: newer information is available at nextUpdate or before.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s hitch.txt ] || grep -v 'ssl client' hitch.txt; exit 1; }
# (hitch does not work as root: its workers are the user nobody.)
chmod 755 "$dir"
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download hitch=1.7.2-1+b1 libev4=1:4.33-1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    fs.appendFileSync('count', '.')
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
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site.crt 2>/dev/null
cat site.key site.crt ca.pem >hitch.pem
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >good.txt
printf 'R\t491231235959Z\t%s,keyCompromise\t1A2B\tunknown\t/CN=localhost\n' "$(date -u +%y%m%d000000Z)" >revoked.txt
# answer STATUS MINUTES: what the responder says from now on
answer() {
  openssl ocsp -CA ca.pem -issuer ca.pem -cert site.crt -index "$1.txt" -rsigner ca.pem -rkey ca.key -no_nonce -noverify -nmin "$2" \
    -respout answer.der >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer ca.pem -cert site.crt -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q "^site.crt: $1" check.txt || { cat check.txt; changed "openssl does not take the answer $1"; }
}

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
start() {
  port=$(free_port)
  printf '%s\n' "frontend = \"[127.0.0.1]:$port\"" "backend = \"[127.0.0.1]:$(cat port)\"" "pem-file = \"$dir/hitch.pem\"" \
    "ocsp-dir = \"$dir/staples\"" 'workers = 1' 'daemon = off' 'log-level = 2' >hitch.conf
  [ "$(id -u)" != 0 ] || echo 'user = "nobody"' >>hitch.conf
  : >count
  LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu timeout 60 root/usr/sbin/hitch --config=hitch.conf >hitch.txt 2>&1 &
  hitch=$!
  pids+=("$hitch")
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && grep -q 'Refresh of OCSP staple' hitch.txt; do sleep 0.1; done" ||
    changed 'hitch does not listen'
}
stop() { kill "$hitch"; wait "$hitch" 2>/dev/null || true; unset 'pids[-1]'; }
# fetch MINUTES: hitch gets a good answer that lives for so long, and is ended
fetch() {
  rm -rf staples
  mkdir -m 777 staples
  answer good "$1"
  start
  timeout 10 bash -c 'until grep -q "Retrieved new staple" hitch.txt; do sleep 0.1; done' || changed 'hitch does not take a good answer'
  stop
}
# try NAME STAPLE QUESTIONS: what a hitch that is started anew staples, once it has asked as often as that
try() {
  local staple questions logged=
  start
  if [ "$3" != 0 ]; then
    timeout 10 bash -c 'until grep -q "has status revoked" hitch.txt; do sleep 0.1; done' || changed "$1: it does not note that the answer says revoked"
    logged=', logged as revoked'
  fi
  sleep 1
  timeout 15 openssl s_client -connect "127.0.0.1:$port" -servername localhost -status </dev/null >tls.txt 2>&1 || true
  staple=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/none/p' tls.txt)
  questions=$(wc -c <count)
  stop
  echo "$1: staple $staple, questions: $questions$logged"
  [ "$staple" = "$2" ] && [ "$questions" = "$3" ] || changed "$1: expected the staple $2, questions: $3"
}
fetch 1440
answer revoked 1440
try 'answer of a day, then revoked, started anew' good 0
fetch 9
answer revoked 1440
try 'answer of 9 minutes, then revoked, started anew' good 1
rm -f staples/*
try 'then with an empty ocsp-dir' none 1
echo 'as described: the older good answer stays'
