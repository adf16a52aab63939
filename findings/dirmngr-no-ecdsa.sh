#!/usr/bin/env bash
# dirmngr (the OCSP client of GnuPG): no answer signed with ECDSA or RSA-PSS can be used; the error speaks of a key.
#
# Expected: P-256 with SHA-256 is what many responders sign with, and an answer in order is taken.
# Instead:  dirmngr fetches the answer, finds "no suitable certificate found to verify the OCSP response", and ends in
#           "No public key", though the delegate's certificate is in the answer and in order.
#           The one line that hints at the cause is "did not verify: Provided object is too short" (ECDSA).
# Versions: Debian dirmngr 2.2.40-1.1+deb12u2 with libksba8 1.6.3-2 and libgcrypt20 1.10.1-3+deb12u1.
# Seen:     RSA with PKCS#1 v1.5: "certificate is valid" and "has been revoked"; P-256, P-384 and PSS: "certificate check
#           failed: No public key". The certificate asked about is the same each time, issued by an RSA CA.
# Matters:  a CA that gives its responder an EC key cuts off every user of gpgsm (S/MIME), and
#           the message makes people look for a missing certificate. A delegate with an RSA key cures it.
#           RFC 6960, 4.3: clients have to take RSA with SHA-256, other algorithms are left to them.
set -euo pipefail
dir=$(mktemp -d)
daemon= server=
trap 'for pid in $daemon $server; do kill "$pid" 2>/dev/null || true; done; rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 apt-get -qq -o APT::Sandbox::User=root download dirmngr=2.2.40-1.1+deb12u2 libksba8=1.6.3-2 \
  libgcrypt20=1.10.1-3+deb12u1 libassuan0=2.5.5-5 libgpg-error0=1.46-1 libnpth0=1.6-3 libldap-2.5-0=2.5.13+dfsg-5 \
  libsasl2-2=2.1.28+dfsg-10
for package in ./*.deb; do dpkg -x "$package" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu:$dir/root/lib/$(uname -m)-linux-gnu"
export GNUPGHOME="$dir/home"
dirmngr() { LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/$1" "${@:2}"; }
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

echo "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$(cat port)" >leaf.ext
echo 'extendedKeyUsage=OCSPSigning' >delegate.ext
# issue NAME SERIAL EXTENSIONS KEY...
issue() {
  openssl req "${@:4}" -nodes -keyout "$1.key" -out csr.pem -subj "/CN=$1"
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial "$2" -days 20 -extfile "$3" -out "$1.pem"
}
{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30
  issue leaf 0x1A2B leaf.ext -newkey rsa:2048
  issue rsa 0x11 delegate.ext -newkey rsa:2048
  issue p256 0x12 delegate.ext -newkey ec -pkeyopt ec_paramgen_curve:P-256
  issue p384 0x13 delegate.ext -newkey ec -pkeyopt ec_paramgen_curve:P-384
} 2>/dev/null
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=leaf\n' >good.txt
printf 'R\t301231235959Z\t261101000000Z,keyCompromise\t1A2B\tunknown\t/CN=leaf\n' >revoked.txt

mkdir -m 700 home
printf 'allow-ocsp\nverbose\nlog-file %s\n' "$dir/log" >home/dirmngr.conf
daemon=$(dirmngr dirmngr --daemon 2>/dev/null | sed -n 's/^DIRMNGR_INFO=[^:]*:\([0-9]*\):.*/\1/p')
[ -n "$daemon" ] || fail 'dirmngr does not start'
dirmngr dirmngr-client --cache-cert --pem ca.pem || fail "dirmngr does not take the CA's certificate"

# check NAME INDEX DELEGATE [OPTION ...]: sets said and why.
check() {
  openssl ocsp -index "$2" -CA ca.pem -rsigner "$3.pem" -rkey "$3.key" -rmd sha256 -ndays 1 "${@:4}" \
    -issuer ca.pem -cert leaf.pem -no_nonce -respout answer.der >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem 2>&1 | grep -q 'Response verify OK' ||
    fail "openssl does not verify the answer ($1)"
  : >log
  said=$(dirmngr dirmngr-client --ocsp --pem leaf.pem 2>&1 | sed 's/^dirmngr-client: //') || true
  why=$(sed -n 's/.*\(did not verify: .*\)/\1/p; s/.*certificate \(status is: [a-z]*\).*/\1/p' log | paste -sd ';')
  printf '%-12s %s (%s)\n' "$1" "$said" "$why"
}
check RSA good.txt rsa
[ "$said" = 'certificate is valid' ] || fail 'the good control'
check RSA,revoked revoked.txt rsa
[ "$said" = 'certificate has been revoked' ] || fail 'the revoked control'
for curve in p256 p384; do
  check "$curve" good.txt "$curve"
  [ "$said" = 'certificate check failed: No public key' ] || fail "an answer by $curve"
  [ "$why" = 'did not verify: Provided object is too short' ] || fail "the reason for $curve"
done
check PSS good.txt rsa -rsigopt rsa_padding_mode:pss
[ "$said" = 'certificate check failed: No public key' ] || fail 'an answer by PSS'
echo 'As described: RSA with PKCS#1 v1.5 only.'
