#!/usr/bin/env bash
# nginx with ssl_ocsp_cache keeps "unknown" about a client's certificate until nextUpdate: who comes too early stays out for days, reload or not.
#
# Expected: "unknown" is no lasting word: the responder has not heard of the certificate yet. The next connection asks again, as after a
#   tryLater, or a short while later; at the latest after a reload. An answer without nextUpdate, which says that newer information is there
#   at any time, is not kept.
# Instead: the cache of ssl_ocsp keeps every signed answer to its nextUpdate. All requests of that client get 400 until then, and the responder,
#   which would say "good" by now, is not asked. `nginx -s reload` keeps the cache. Without nextUpdate an answer is kept for an hour.
# Versions: nginx 1.22.1-9+deb12u11 (Debian 12), ssl_verify_client on, ssl_ocsp leaf; libfaketime 0.9.10-2.1 moves the clock of nginx.
# Seen, the status of each request and the questions so far:
#   "no cache: unknown 400 1, now good 200 2", "cache: tryLater 400 1, now good 200 2",
#   "cache, unknown for a week: unknown 400 1, now good 400 1, reloaded 400 1, +6 days 400 1, +8 days 200 2",
#   "cache, unknown for a week, started anew: unknown 400 1, now good, started anew 200 2",
#   "cache, good without nextUpdate: good 200 1, +50 minutes 200 1, +61 minutes 200 2"
# Why it matters: an answer signed ahead, or a list of the issued that is copied to the responder every few minutes, makes "unknown" of
#   the newest certificates, and their owners try them at once. Give "unknown" a short nextUpdate (minutes), have the responder know a
#   certificate before its owner does, or leave the cache out. Only a restart empties it.
# Clause: RFC 6960, 2.2 (unknown) and 4.2.2.1 (no nextUpdate: newer information is available all the time).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s error.txt ] || tail -n 5 error.txt; exit 1; }
chmod 755 "$dir"
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download nginx=1.22.1-9+deb12u11 libpcre2-8-0=10.42-1+deb12u2 libfaketime=0.9.10-2.1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/$(uname -m)-linux-gnu
faketime=$libraries/faketime/libfaketime.so.1

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    fs.appendFileSync('count', '.')
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(0, '127.0.0.1', () => { fs.writeFileSync('new', String(server.address().port)); fs.renameSync('new', 'port') })
JS
timeout 110 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 60 2>/dev/null
for name in site client; do
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name" 2>/dev/null
done
printf 'authorityInfoAccess=OCSP;URI:http://127.0.0.1:%s/\n' "$(cat port)" >client.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 50 -out site.pem 2>/dev/null
openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2C -days 50 -extfile client.ext -out client.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2C\tunknown\t/CN=client\n' >good.txt
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=site\n' >unknown.txt
# sign FILE STATUS OPTIONS...
sign() {
  openssl ocsp -CA ca.pem -issuer ca.pem -cert client.pem -index "$2.txt" -rsigner ca.pem -rkey ca.key -no_nonce -noverify "${@:3}" \
    -respout "$1.der" >/dev/null 2>&1
  openssl ocsp -respin "$1.der" -issuer ca.pem -cert client.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q "^client.pem: $2" check.txt || { cat check.txt; changed "openssl does not take $1"; }
}
sign unknown unknown -ndays 7
sign good good -ndays 30
sign open good
printf '\x30\x03\x0a\x01\x03' >tryLater.der

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
start() {
  FAKETIME_TIMESTAMP_FILE=$dir/clock FAKETIME_NO_CACHE=1 LD_LIBRARY_PATH=$libraries LD_PRELOAD=$faketime \
    "$dir/root/usr/sbin/nginx" -p "$dir" -c nginx.conf 2>start.txt &
  nginx=$!
  pids+=("$nginx")
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || { cat start.txt; changed 'nginx does not listen'; }
}
stop() { kill "$nginx"; wait "$nginx" 2>/dev/null || true; unset 'pids[-1]'; }
# begin NAME [DIRECTIVE]: nginx with an empty cache
begin() {
  port=$(free_port)
  cat >nginx.conf <<CONF
env FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE; env LD_PRELOAD;
daemon off; worker_processes 1; pid $dir/pid; error_log $dir/error.txt; events { }
http {
  access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  server {
    listen 127.0.0.1:$port ssl; ssl_certificate $dir/site.pem; ssl_certificate_key $dir/site.key;
    ssl_verify_client on; ssl_client_certificate $dir/ca.pem; ssl_ocsp leaf; ${2:-}
    location / { return 200 in; }
  }
}
CONF
  : >count
  echo +0 >clock
  line="$1:"
  start
}
# ask WHAT: a request with the client's certificate, and all questions so far
ask() {
  local code
  code=$(timeout 15 node -e 'const [, port] = process.argv, fs = require("fs")
    require("https").get({ port, host: "127.0.0.1", cert: fs.readFileSync("client.pem"), key: fs.readFileSync("client.key"), agent: false,
      rejectUnauthorized: false }, (response) => { console.log(response.statusCode); response.resume() })' "$port")
  line+=" $1 $code $(wc -c <count),"
}
finish() { stop; echo "${line%,}" | tee -a seen.txt; }
say() { cp "$1.der" answer.der; }
clock() { echo "$1" >clock; sleep 1.5; }

cache='ssl_ocsp_cache shared:ocsp:1m;'
begin 'no cache'
say unknown; ask unknown
say good; ask 'now good'
finish
begin cache "$cache"
say tryLater; ask tryLater
say good; ask 'now good'
finish
begin 'cache, unknown for a week' "$cache"
say unknown; ask unknown
say good; ask 'now good'
before=$(timeout 5 ps -o pid= --ppid "$nginx")
kill -HUP "$nginx"
timeout 10 bash -c "while kill -0 $before 2>/dev/null; do sleep 0.1; done" || changed 'the reload does not end the old worker'
ask reloaded
clock +6d; ask '+6 days'
clock +8d; ask '+8 days'
finish
begin 'cache, unknown for a week, started anew' "$cache"
say unknown; ask unknown
stop; start
say good; ask 'now good, started anew'
finish
begin 'cache, good without nextUpdate' "$cache"
say open; ask good
clock +50m; ask '+50 minutes'
clock +61m; ask '+61 minutes'
finish
diff seen.txt - <<'SEEN' || changed 'other answers or questions than described'
no cache: unknown 400 1, now good 200 2
cache: tryLater 400 1, now good 200 2
cache, unknown for a week: unknown 400 1, now good 400 1, reloaded 400 1, +6 days 400 1, +8 days 200 2
cache, unknown for a week, started anew: unknown 400 1, now good, started anew 200 2
cache, good without nextUpdate: good 200 1, +50 minutes 200 1, +61 minutes 200 2
SEEN
echo 'as described: unknown until nextUpdate'
