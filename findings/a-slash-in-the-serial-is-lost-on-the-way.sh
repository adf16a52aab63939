#!/usr/bin/env bash
# Behind lighttpd or Apache, as they are by default, a responder gets the GET of most certificates, but not of those whose base64 has slashes.
#
# Expected: a proxy hands the path of a GET on as it came, or at least so that it means the same: base64, in which RFC 6960 wants "/" spelled
#   as "%2F", and in which many clients leave it bare.
# Instead: lighttpd decodes %2F, and then makes one slash of several, so that octets of the request are missing: malformedRequest. Apache
#   answers %2F with a 404 of its own, before ProxyPass and in spite of its nocanon, and makes one slash of several bare ones as well
#   (nocanon cures that half only).
# Versions: lighttpd 1.4.69-1, apache2-bin 2.4.71-1~deb12u1 (Debian 12). The responder is `openssl ocsp -reqin` behind an HTTP server of a few
#   lines; three requests by `openssl ocsp -reqout` that differ in the serial only: base64 with no slash, with one, with five side by side.
# Seen, escaped (as RFC 6960 says) and bare, for no slash, one, five:
#   lighttpd: escaped good good malformed, bare good good malformed; with url-normalize off: all good
#   Apache: escaped good 404 404, bare good good malformed; with nocanon: escaped good 404 404, bare all good;
#   with nocanon and AllowEncodedSlashes NoDecode: all good
# Why it matters: whether a certificate can be asked about depends on its serial and on the client's spelling; tests with one certificate
#   pass. Set `server.http-parseopts = ("url-normalize" => "disable")`, or `AllowEncodedSlashes NoDecode` and `ProxyPass ... nocanon`.
# Clause: RFC 6960, A.1: GET {url}/{url-encoding of base-64 encoding of the DER encoding of the OCSPRequest}; RFC 5019, 5.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download lighttpd=1.4.69-1 apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 \
  libaprutil1=1.6.3-1+deb12u1 libnettle8=3.8.1-2 libpcre2-8-0=10.42-1+deb12u2 libxxhash0=0.8.1-1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
modules=$dir/root/usr/lib/apache2/modules

# the hashes of the CA are in every request: take a CA whose hashes have no slash in base64
serials=(1234567890AB 123FF0567812 12FFFFFFFF12)
for _ in $(seq 60); do
  openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
  : > requests.txt
  for serial in "${serials[@]}"; do
    openssl ocsp -issuer ca.pem -serial "0x$serial" -no_nonce -reqout request.der
    openssl base64 -A -in request.der >> requests.txt
    echo >> requests.txt
  done
  [ "$(tr -cd '/\n' <requests.txt | tr '\n' ,)" != ,/,/////, ] || break
done
[ "$(tr -cd '/\n' <requests.txt | tr '\n' ,)" = ,/,/////, ] || changed 'no requests with no, one and five slashes'
for serial in "${serials[@]}"; do printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=%s\n' "$serial" "$serial"; done > index.txt

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
cat > responder.js <<'JS'
const { spawnSync } = require('node:child_process')
const { readFileSync, writeFileSync } = require('node:fs')
require('node:http').createServer((request, response) => {
  writeFileSync('in.der', Buffer.from(decodeURIComponent(request.url.slice(1)), 'base64'))
  const { status } = spawnSync('openssl', ('ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -noverify ' +
    '-reqin in.der -respout out.der').split(' '))
  response.end(status === 0 ? readFileSync('out.der') : Buffer.from('30030a0101', 'hex'))
}).listen(Number(process.argv[2]), '127.0.0.1')
JS
cat > ask.js <<'JS'
const { readFileSync } = require('node:fs')
const ask = (path) => new Promise((done) => require('node:http').get({ host: '127.0.0.1', port: process.argv[2], path, agent: false }, (response) => {
  const parts = []
  response.on('data', (part) => parts.push(part)).on('end', () => {
    const body = Buffer.concat(parts).toString('hex')
    done(response.statusCode !== 200 ? response.statusCode : body === '30030a0101' ? 'malformed' : /^3082....0a0100/.test(body) ? 'good' : 'other')
  })
}))
void (async () => {
  const words = []
  for (const [name, spell] of [['escaped', encodeURIComponent], ['bare', String]]) {
    words.push(name)
    for (const request of readFileSync('requests.txt', 'utf8').trim().split('\n')) words.push(await ask(`/${spell(request)}`))
  }
  console.log(words.join(' '))
})()
JS

responder=$(free_port)
timeout 55 node responder.js "$responder" & pids=($!)
# try NAME PORT EXPECTED [COMMAND...]: what becomes of the six questions
try() {
  local pid='' seen
  if [ $# -gt 3 ]; then LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu "${@:4}" 2>log.txt & pid=$!; pids+=("$pid"); fi
  timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$2) 2>/dev/null; do sleep 0.1; done" || changed "$1 does not listen"
  seen=$(timeout 20 node ask.js "$2")
  if [ -n "$pid" ]; then kill "$pid"; wait "$pid" 2>/dev/null || true; unset 'pids[-1]'; fi
  echo "$1: $seen"
  [ "$seen" = "$3" ] || changed "$1: expected $3"
}
lighttpd() {
  local port; port=$(free_port)
  printf '%s\n' "server.document-root = \"$dir\"" "server.port = $port" 'server.bind = "127.0.0.1"' 'server.modules = ("mod_proxy")' \
    "proxy.server = (\"\" => ((\"host\" => \"127.0.0.1\", \"port\" => $responder)))" "${3:-}" > lighttpd.conf
  try "$1" "$port" "$2" "$dir/root/usr/sbin/lighttpd" -m "$dir/root/usr/lib/lighttpd" -D -f lighttpd.conf
}
apache() {
  local port; port=$(free_port)
  {
    printf '%s\n' "ServerRoot $dir" 'ServerName localhost' "PidFile $dir/pid" "ErrorLog $dir/error.txt" "Mutex file:$dir default" \
      "Listen 127.0.0.1:$port" 'StartServers 1'
    for name in mpm_event authz_core proxy proxy_http; do echo "LoadModule ${name}_module $modules/mod_$name.so"; done
    printf '%s\n' "ProxyPass / http://127.0.0.1:$responder/ ${3:-}" "${4:-}"
  } > apache.conf
  try "$1" "$port" "$2" "$dir/root/usr/sbin/apache2" -DFOREGROUND -f "$dir/apache.conf"
}

all='escaped good good good bare good good good'
try 'no proxy' "$responder" "$all"
lighttpd 'lighttpd' 'escaped good good malformed bare good good malformed'
lighttpd 'lighttpd, url-normalize off' "$all" 'server.http-parseopts = ("url-normalize" => "disable")'
apache 'Apache' 'escaped good 404 404 bare good good malformed'
apache 'Apache, nocanon' 'escaped good 404 404 bare good good good' nocanon
apache 'Apache, nocanon, NoDecode' "$all" nocanon 'AllowEncodedSlashes NoDecode'
echo 'as described: what is lost depends on the slashes'
