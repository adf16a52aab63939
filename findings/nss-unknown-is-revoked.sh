#!/usr/bin/env bash
# NSS: `vfychain` reports "Peer's Certificate has been revoked" for answers that say nothing of the kind.
#
# Expected: "revoked" is said of certificates whose OCSP answer is revoked; unknown, tryLater, or an answer that is not
#           about the certificate have errors of their own (NSS has them: its `ocspclnt` prints them for the same answers).
# Instead:  where the OCSP method is asked to be strict (-m ocsp -s failIfNoInfo), all of these are error -8180,
#           SEC_ERROR_REVOKED_CERTIFICATE. A good answer whose CertID is by SHA-256 is among them, though it is valid.
# Versions: Debian libnss3-tools and libnss3 2:3.87.1-1+deb12u4, libnspr4 2:4.35-1.
# Seen:     unknown, tryLater, SHA-256: vfychain "ERROR -8180: Peer's Certificate has been revoked.", ocspclnt
#           "has no status for the certificate" and "suggests trying again later".
# Matters:  "revoked" in the log of a program on NSS sends the operator to the CA, when the responder was merely overloaded
#           or signs by another hash than SHA-1. Ask with `ocspclnt -S` before you believe it.
#           RFC 6960, 2.2 (unknown is not revoked), 2.3 (tryLater), 4.1.1 (hashAlgorithm is free).
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
nss='2:3.87.1-1+deb12u4'
timeout 50 apt-get -qq -o APT::Sandbox::User=root download "libnss3-tools=$nss" "libnss3=$nss" libnspr4=2:4.35-1
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$dir/root" -name libnss3.so)")
nss() { local tool=$1; shift; LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/$tool" "$@"; }
fail() { echo "CHANGED: $1"; exit 1; }

cat >server.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
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
echo "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$port" >extensions
# shellcheck disable=SC2086
{
  openssl req -x509 $curve -keyout ca.key -out ca.pem -subj /CN=ca -days 30
  openssl req $curve -keyout key.pem -out csr.pem -subj /CN=leaf
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile extensions -out leaf.pem
} 2>/dev/null
mkdir db
nss certutil -N -d sql:db --empty-password
nss certutil -A -d sql:db -n ca -t CT,C,C -i ca.pem
nss certutil -A -d sql:db -n leaf -t ,, -i leaf.pem
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=leaf\n' >good.txt
printf 'R\t301231235959Z\t261101000000Z,keyCompromise\t1A2B\tunknown\t/CN=leaf\n' >revoked.txt
printf 'V\t301231235959Z\t\t1A2C\tunknown\t/CN=other\n' >unknown.txt

# answer INDEX [-sha256]: what the server hands out from now on.
answer() {
  timeout 20 openssl ocsp -index "$1" -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -issuer ca.pem ${2:-} \
    -cert leaf.pem -no_nonce -respout answer.der >/dev/null 2>&1
}
# say NAME: what both programs print about it, and keep that.
say() {
  chain=$(nss vfychain -d sql:db -pp -u 1 -g leaf -m ocsp -s failIfNoInfo leaf 2>&1 | grep -E 'ERROR|good' | sed 's/^ *//') || true
  client=$(nss ocspclnt -S leaf -d sql:db 2>&1 | grep -v '^$' | tail -1)
  printf '%-8s vfychain: %s\n         ocspclnt: %s\n' "$1" "$chain" "$client"
}
revoked="ERROR -8180: Peer's Certificate has been revoked."

answer good.txt; say good
[ "$chain" = 'Chain is good!' ] && [ "$client" = 'Check of certificate "leaf" succeeded.' ] || fail 'the good control'
answer revoked.txt; say revoked
[ "$chain" = "$revoked" ] && [ "$client" = "Peer's Certificate has been revoked." ] || fail 'the revoked control'
answer unknown.txt; say unknown
[ "$chain" = "$revoked" ] || fail 'vfychain does not say revoked of an unknown one'
[ "$client" = 'The OCSP server has no status for the certificate.' ] || fail 'ocspclnt says otherwise of an unknown one'
answer good.txt -sha256; say SHA-256
[ "$chain" = "$revoked" ] || fail 'vfychain does not say revoked of a good answer by SHA-256'
[ "$client" = 'The OCSP server has no status for the certificate.' ] || fail 'ocspclnt says otherwise of an answer by SHA-256'
printf '\x30\x03\x0a\x01\x03' >answer.der; say tryLater
[ "$chain" = "$revoked" ] || fail 'vfychain does not say revoked of tryLater'
[ "$client" = 'The OCSP server suggests trying again later.' ] || fail 'ocspclnt says otherwise of tryLater'
echo 'As described: all three are "revoked" to vfychain, and none of them to ocspclnt.'
