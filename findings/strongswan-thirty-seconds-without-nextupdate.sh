#!/usr/bin/env bash
# strongSwan calls an answer without nextUpdate stale 30 seconds after its thisUpdate, and the certificate then has no status.
#
# Expected: without nextUpdate there is no end that the responder set; OpenSSL takes such an answer at any age, GnuTLS for 15 days.
# Instead: strongSwan gives it an end of its own, thisUpdate and 30 seconds. What `openssl ocsp` signed ahead, with no -ndays, is never of use,
#   and neither is a fresh answer where the clock of the VPN's gateway is 40 seconds fast. The answer is asked for, verified, and dropped.
# Versions: Debian 12: strongswan-pki, libstrongswan and its plugins 5.9.8-5+deb12u6; `pki --verify --online`, which checks by the plugin
#   "revocation" as the IKE daemon does. libfaketime 0.9.10-2.1 signs in the past, and sets the one clock.
# Seen: "nextUpdate in a day: certificate status is good", "none, signed now: certificate status is good", "none, signed 40 s ago: certificate
#   status is not available", "none, signed now, the clock 40 s fast: certificate status is not available", "nextUpdate in a day, signed 1 hour
#   ago: certificate status is good"; it says "ocsp response is stale" and "ocsp information stale, fallback to crl".
# Why it matters: with `revocation = strict` no status means no connection. Answers for VPNs need a nextUpdate; leaving it out, which is meant to
#   say "ask again at any time", leaves them 30 s.
# Clause: RFC 6960, 4.2.2.1: without nextUpdate newer information is available all the time; it sets no age.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

version=5.9.8-5+deb12u6
# (libtls.so is in libcharon-extra-plugins, the fetcher for http in libstrongswan-extra-plugins.)
timeout 120 apt-get -qq -o APT::Sandbox::User=root download "strongswan-pki=$version" "libstrongswan=$version" \
  "libstrongswan-standard-plugins=$version" "libstrongswan-extra-plugins=$version" "libcharon-extra-plugins=$version" libfaketime=0.9.10-2.1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
# The folder of the plugins is written into the library: it becomes one in the current folder, of the same length.
sed -i 's|/usr/lib/ipsec/plugins|.//////////////plugins|' root/usr/lib/ipsec/libstrongswan.so.0.0.0
ln -s root/usr/lib/ipsec/plugins plugins
: >strongswan.conf
faketime=$dir/root/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1

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

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl ecparam -name prime256v1 -genkey -noout -out leaf.key
printf '[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\nsubjectKeyIdentifier=hash\n' >ca.conf
openssl req -x509 -config ca.conf -extensions ca -key ca.key -out ca.pem -subj /CN=ca -days 2
openssl req -new -config ca.conf -key leaf.key -out leaf.csr -subj /CN=leaf
printf 'authorityKeyIdentifier=keyid\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:%s/\n' "$(cat port)" >leaf.ext
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 1 -extfile leaf.ext -out leaf.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=leaf\n' >index.txt

# try NAME EXPECTED SIGNED CLOCK OPTIONS...: the answer is signed at one time and looked at by strongSwan at the other (both relative to now)
try() {
  local said
  LD_PRELOAD=$faketime FAKETIME=$3 openssl ocsp -CA ca.pem -issuer ca.pem -cert leaf.pem -index index.txt -rsigner ca.pem -rkey ca.key \
    -no_nonce -noverify "${@:5}" -respout answer.der >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^leaf.pem: good' check.txt && ! grep -q 'times invalid' check.txt ||
    { cat check.txt; changed "openssl does not take it: $1"; }
  : >count
  LD_PRELOAD=$faketime FAKETIME=$4 LD_LIBRARY_PATH=$dir/root/usr/lib/ipsec STRONGSWAN_CONF=$dir/strongswan.conf \
    PKI_PLUGINS='pem x509 openssl pkcs1 sha1 sha2 pubkey random nonce revocation constraints curl' \
    timeout 20 root/usr/bin/pki --verify --in leaf.pem --cacert ca.pem --online >pki.txt 2>&1 || true
  said=$(grep '^certificate status' pki.txt || echo nothing)
  echo "$1: $said"
  [ "$(wc -c <count)" = 1 ] && grep -q 'ocsp response correctly signed' pki.txt || { cat pki.txt; changed "$1: it does not ask, or not verify"; }
  [ "$said" = "certificate status is $2" ] || { cat pki.txt; changed "$1: expected $2"; }
}
try 'nextUpdate in a day' good +0s +0s -ndays 1
try 'none, signed now' good +0s +0s
try 'none, signed 40 s ago' 'not available' -40s +0s
grep -q 'ocsp response is stale: since' pki.txt && grep -q 'ocsp information stale' pki.txt || { cat pki.txt; changed 'it says otherwise why'; }
try 'none, signed now, the clock 40 s fast' 'not available' +0s +40s
try 'nextUpdate in a day, signed 1 hour ago' good -1h +0s -ndays 1
echo 'as described: 30 seconds'
