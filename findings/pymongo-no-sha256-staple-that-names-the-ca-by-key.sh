#!/usr/bin/env bash
# pymongo cannot connect when the staple names its certificate by SHA-256 and the CA, which signed it itself, by its key.
#
# Expected: a good answer, signed by the CA. Whether the CertID has SHA-1 or SHA-256, and whether the CA is named by its subject or by the hash
#   of its key, is the responder's choice.
# Instead: pymongo compares the responder's key hash, which is always SHA-1, with the issuer's key hash in the CertID. By SHA-256 the two
#   differ, so it looks for a delegate, finds none, and ends the handshake. A delegate that is named by its key is found.
# Versions: Debian 12: python3-pymongo 3.11.0-1+deb12u2, python3-openssl 23.0.0-1, python3-cryptography 38.0.4-3+deb12u1, Python 3.11. The server
#   is a few lines of Node that staple and know two commands of MongoDB. pymongo checks staples whenever pyOpenSSL and its companions are installed.
# Seen: "no staple: connected", "SHA-1, CA by name: connected", "SHA-1, CA by key: connected", "SHA-256, CA by name: connected", "SHA-256, CA by
#   key: [('SSL routines', '', 'invalid status response')]", "SHA-256, delegate by key: connected". Its log, level "debug", says of the fifth
#   "Responder is a delegate", "Delegate not authorized for OCSP signing".
# Why it matters: a CA that goes from SHA-1 to SHA-256 locks these clients out, while OpenSSL and GnuTLS take both. The error names no reason, and
#   sends people to look for a delegate that there is not. Name the CA by its subject, let a delegate sign, or staple by SHA-1.
# Clause: RFC 6960, 4.2.1 (KeyHash: SHA-1 of the responder's public key) and 4.1.1 (CertID: any hash algorithm).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download python3-pymongo=3.11.0-1+deb12u2 python3-bson=3.11.0-1+deb12u2 python3-openssl=23.0.0-1 \
  python3-cryptography=38.0.4-3+deb12u1 python3-cffi-backend=1.15.1-5+b1 python3-service-identity=18.1.0-8 python3-attr=22.2.0-1 \
  python3-pyasn1=0.4.8-3+deb12u3 python3-pyasn1-modules=0.2.8-1 python3-six=1.16.0-4 python3-requests=2.28.1+dfsg-1 \
  python3-urllib3=1.26.12-1+deb12u4 python3-chardet=5.1.0+dfsg-2 python3-idna=3.3-1+deb12u1 python3-certifi=2022.9.24-1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
echo 'subjectAltName=DNS:localhost' >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout delegate.key -out delegate.csr -subj /CN=delegate 2>/dev/null
echo 'extendedKeyUsage=OCSPSigning' >delegate.ext
openssl x509 -req -in delegate.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2C -days 20 -extfile delegate.ext -out delegate.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
# answer FILE HASH SIGNER OPTIONS...
answer() {
  openssl ocsp "-$2" -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner "$3.pem" -rkey "$3.key" -no_nonce -noverify -ndays 1 \
    "${@:4}" -respout "$1.der" >/dev/null 2>&1
  openssl ocsp "-$2" -respin "$1.der" -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed "openssl does not take $1"; }
}
answer name1 sha1 ca
answer key1 sha1 ca -resp_key_id
answer name256 sha256 ca
answer key256 sha256 ca -resp_key_id
answer delegate256 sha256 delegate -resp_key_id

# one server for each answer: it staples, and answers any command with {ismaster: true, maxWireVersion: 5, ok: 1}
cat >server.js <<'JS'
const fs = require('node:fs')
const key = (type, name) => Buffer.from(`${String.fromCharCode(type)}${name}\0`)
const number = (value) => { const bytes = Buffer.alloc(4); bytes.writeInt32LE(value); return bytes }
const double = Buffer.alloc(8)
double.writeDoubleLE(1)
const parts = Buffer.concat([key(8, 'ismaster'), Buffer.of(1), key(16, 'maxWireVersion'), number(5), key(1, 'ok'), double, Buffer.of(0)])
const reply = Buffer.concat([number(8), Buffer.alloc(8), number(0), number(1), number(parts.length + 4), parts])
const [cert, site] = [fs.readFileSync('site.pem'), fs.readFileSync('site.key')]
for (const name of process.argv.slice(2)) {
  const server = require('node:tls').createServer({ cert, key: site }, (socket) => {
    socket.on('error', () => {}).on('data', (data) => {
      socket.write(Buffer.concat([number(reply.length + 16), number(1), data.subarray(4, 8), number(1), reply]))
    })
  })
  server.on('tlsClientError', () => {})
  server.on('OCSPRequest', (_certificate, _issuer, done) => done(null, name === 'none' ? null : fs.readFileSync(`${name}.der`)))
  server.listen(0, '127.0.0.1', () => {
    fs.writeFileSync(`${name}.new`, String(server.address().port))
    fs.renameSync(`${name}.new`, `${name}.port`)
  })
}
JS
names=(none name1 key1 name256 key256 delegate256)
timeout 100 node server.js "${names[@]}" &
pids+=($!)
for name in "${names[@]}"; do timeout 10 bash -c "until [ -s $name.port ]; do sleep 0.1; done" || changed 'no server'; done

cat >client.py <<'PY'
import logging, sys
from pymongo import MongoClient
logging.basicConfig(level=logging.DEBUG, filename='log.txt', format='%(name)s: %(message)s')
client = MongoClient('localhost', int(sys.argv[1]), ssl=True, ssl_ca_certs='ca.pem', serverSelectionTimeoutMS=1000)
try:
    print('connected' if client.admin.command('ping')['ok'] else 'no ping')
except Exception as error:
    print(str(error).split(', Timeout')[0].split('localhost:' + sys.argv[1] + ': ')[-1])
PY
# try WHAT FILE EXPECTED
try() {
  local said
  rm -f log.txt
  said=$(PYTHONPATH=$dir/root/usr/lib/python3/dist-packages timeout 20 /usr/bin/python3 -W ignore client.py "$(cat "$2.port")")
  echo "$1: $said"
  [ "$said" = "$3" ] || changed "$1: expected $3"
}
try 'no staple' none connected
try 'SHA-1, CA by name' name1 connected
try 'SHA-1, CA by key' key1 connected
try 'SHA-256, CA by name' name256 connected
grep -q 'Responder is issuer' log.txt || changed 'pymongo does not look at the staple'
try 'SHA-256, CA by key' key256 "[('SSL routines', '', 'invalid status response')]"
grep -q 'Responder is a delegate' log.txt && grep -q 'Delegate not authorized' log.txt || changed 'it says otherwise why'
try 'SHA-256, delegate by key' delegate256 connected
echo 'as described: not with SHA-256 and the CA named by its key'
