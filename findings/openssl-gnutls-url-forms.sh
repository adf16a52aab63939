#!/usr/bin/env bash
# OCSP addresses that are valid URIs: OpenSSL and GnuTLS refuse some, and ask otherwise than they say.
#
# Expected: HTTP://host is http://host (RFC 3986, 3.1); http://[::1]:8080/ is a host; the query belongs to the request; Host
#           has the port unless it is 80 (RFC 9110, 7.2).
# Instead:  - HTTP:// in capitals: `openssl ocsp -url` "invalid url scheme"; ocsptool takes the whole URL for a host's name.
#           - [::1]: ocsptool looks for a host "[", port 80.
#           - http://host:port?ca=1: ocsptool asks without "?ca=1". With a slash before it, it asks as told.
#           - Host: both leave the port away; `openssl ocsp -host NAME:PORT` sends it.
# Versions: Debian openssl and libssl3 3.0.22-1~deb12u2, gnutls-bin and libgnutls30 3.7.9-2+deb12u7.
# Seen:     "Cannot resolve [:80", "Cannot resolve HTTP://...:80", "POST / " for the query, "Host: 127.0.0.1".
# Matters:  what a CA writes into AIA cannot be changed afterwards. Write it in lower case, with a name instead of an IPv6
#           address, with a path; and do not tell responders on one machine apart by the port in Host.
#           RFC 6960, 3.1 and RFC 5280, 4.2.2.1: accessLocation is a URI.
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
openssl='3.0.22-1~deb12u2' gnutls='3.7.9-2+deb12u7'
timeout 50 apt-get -qq -o APT::Sandbox::User=root download "openssl=$openssl" "libssl3=$openssl" "gnutls-bin=$gnutls" "libgnutls30=$gnutls"
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$dir/root" -name libcrypto.so.3)")
export OPENSSL_CONF="$dir/root/etc/ssl/openssl.cnf"
openssl() { LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/openssl" "$@"; }
ocsptool() { LD_LIBRARY_PATH=$libraries LC_ALL=C timeout 20 "$dir/root/usr/bin/ocsptool" "$@"; }
fail() { echo "CHANGED: $1"; exit 1; }

cat >server.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  fs.writeFileSync('asked.txt', `${request.method} ${request.url} Host: ${request.headers.host}`)
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
timeout 55 node server.js &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
port=$(cat port)

curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
# shellcheck disable=SC2086
{
  openssl req -x509 $curve -keyout ca.key -out ca.pem -subj /CN=ca -days 30
  openssl req $curve -keyout key.pem -out csr.pem -subj /CN=leaf
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -out leaf.pem
} 2>/dev/null
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=leaf\n' >index.txt
openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -issuer ca.pem -cert leaf.pem \
  -no_nonce -respout answer.der >/dev/null 2>&1

# asked NAME: what came in at the server, or else the error in NAME.txt, with the port as PORT.
asked() { { [ -s asked.txt ] && cat asked.txt || grep -om1 'Cannot resolve [^ ]*:\|invalid url scheme' "$1.txt"; } | sed "s/$port/PORT/"; }
# try URL OPENSSL OCSPTOOL
try() {
  local url=${1/PORT/$port} first second
  rm -f asked.txt
  openssl ocsp -url "$url" -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem >openssl.txt 2>&1 || true
  first=$(asked openssl)
  rm -f asked.txt
  ocsptool --ask="$url" --load-cert leaf.pem --load-issuer ca.pem >ocsptool.txt 2>&1 || true
  second=$(asked ocsptool)
  printf '%s\n  openssl:  %s\n  ocsptool: %s\n' "$1" "$first" "$second"
  [ "$first" = "$2" ] || fail "openssl with $1"
  [ "$second" = "$3" ] || fail "ocsptool with $1"
}
here='Host: 127.0.0.1'
try 'http://127.0.0.1:PORT/a' "POST /a $here" "POST /a $here"
try 'http://127.0.0.1:PORT/?ca=1' "POST /?ca=1 $here" "POST /?ca=1 $here"
try 'http://127.0.0.1:PORT?ca=1' "POST /?ca=1 $here" "POST / $here"
try 'HTTP://127.0.0.1:PORT/a' 'invalid url scheme' 'Cannot resolve HTTP://127.0.0.1:PORT/a:80:'
ocsptool --ask="http://[::1]:$port/a" --load-cert leaf.pem --load-issuer ca.pem >ocsptool.txt 2>&1 || true
rm -f asked.txt
printf 'http://[::1]:PORT/a\n  ocsptool: %s\n' "$(asked ocsptool)"
[ "$(asked ocsptool)" = 'Cannot resolve [:80:' ] || fail 'ocsptool with http://[::1]:PORT/a'
rm -f asked.txt
openssl ocsp -host "127.0.0.1:$port" -path /a -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem >openssl.txt 2>&1
echo "-host 127.0.0.1:PORT -path /a: $(asked openssl)"
[ "$(asked openssl)" = 'POST /a Host: 127.0.0.1:PORT' ] || fail 'openssl with -host'
echo 'As described: four forms, four surprises.'
