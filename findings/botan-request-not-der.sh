#!/usr/bin/env bash
# botan ocsp_check: its OCSP requests are not DER, and so not the bytes that other clients send for the same question.
#
# Expected: a request for one certificate by SHA-1 without a nonce is the same bytes from every client: that is what
#           caches of RFC 5019 and tables keyed by the request live from.
# Instead:  Botan writes `version [0] v1` out. v1 is the default, which DER leaves away (X.690, 11.5), so the request is
#           five bytes longer. A strict DER reader refuses it; a cache by bytes never hits.
# Versions: Debian botan and libbotan-2-19 2.19.3+dfsg-1+deb12u1, libtspi1 0.3.15-0.3.
# Seen:     30483046a003020100303f... from Botan, 30433041303f... from `openssl ocsp -no_nonce`; from 303f on they are the same.
#           OpenSSL reads it, and keeps the five bytes when it writes it again. The answer is taken: "OCSP check OK".
# Matters:  a responder that reads requests strictly answers malformedRequest to every program on Botan 2, and its tests
#           with OpenSSL do not show it. Read requests leniently; look answers up by CertID, not by bytes.
#           RFC 6960, 4.1.1 (version DEFAULT v1), A.1 (the DER encoding of the request is the path of a GET).
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
botan='2.19.3+dfsg-1+deb12u1'
timeout 50 apt-get -qq -o APT::Sandbox::User=root download "botan=$botan" "libbotan-2-19=$botan" libtspi1=0.3.15-0.3
for package in ./*.deb; do dpkg -x "$package" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu"
fail() { echo "CHANGED: $1"; exit 1; }

cat >server.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part)).on('end', () => {
    fs.writeFileSync('sent.der', Buffer.concat(parts))
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
echo "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$port" >extensions
# shellcheck disable=SC2086
{
  openssl req -x509 $curve -keyout ca.key -out ca.pem -subj /CN=ca -days 30
  openssl req $curve -keyout key.pem -out csr.pem -subj /CN=leaf
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile extensions -out leaf.pem
} 2>/dev/null
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=leaf\n' >index.txt
openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -issuer ca.pem -cert leaf.pem \
  -no_nonce -respout answer.der >/dev/null 2>&1

hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
openssl ocsp -url "http://127.0.0.1:$port" -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem >openssl.txt 2>&1
openssl=$(hex sent.der)
rm sent.der
said=$(LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/botan" ocsp_check leaf.pem ca.pem) || true
[ -s sent.der ] || fail 'Botan sends no request'
botan=$(hex sent.der)
openssl ocsp -reqin sent.der -reqout again.der
again=$(hex again.der)
echo "openssl sends:            $openssl"
echo "Botan sends:              $botan"
echo "the same, written again:  $again"
echo "what Botan then says:     $said"
# OCSPRequest { TBSRequest { [version] requestList ...
[ "${openssl:0:12}" = 30433041303f ] || fail 'the request of openssl begins otherwise'
[ "${botan:0:18}" = 30483046a003020100 ] || fail "the request of Botan begins with ${botan:0:18}"
[ "${botan:18}" = "${openssl:8}" ] || fail 'the two requests differ in more than the version'
[ "$again" = "$botan" ] || fail 'openssl writes it again in other bytes'
[ "$said" = 'OCSP check OK' ] || fail 'Botan does not take the answer'
echo 'As described: version v1 is written out.'
