#!/usr/bin/env bash
# The responder of the npm package ocsp does not find a serial number as Node writes it, nor one given as a number; and calls an EC signature RSA.
#
# Expected: addCert(serialNumber, 'revoked') registers that certificate, or throws: its README names "plain number" and bn.js, and a string
#   gives no error. A CA with an EC key signs by ECDSA.
# Instead: the registered serial number is compared as text with lower-case digits and no leading zero. Node writes upper case and whole
#   bytes; a number has lost its last digits above 2^53, where all serial numbers of public CAs are. Both are answered "unknown", signed
#   and verified, whatever was registered. Every answer says that it is signed by RSA with SHA-512, also when the key is an EC key: no
#   client verifies it.
# Versions: npm ocsp 1.2.0, asked by `openssl ocsp -no_nonce` (OpenSSL 3.0), Node 20.
# Seen: (registered as revoked; key of the CA, serial number, how it is given)
#   "RSA, 43, number: revoked", "RSA, 160 bits, number: unknown", "RSA, 160 bits, as Node writes it: unknown", "RSA, 160 bits, BigInt: revoked",
#   "RSA, leading zero, as Node writes it in lower case: unknown", "RSA, leading zero, BigInt: revoked", "EC, 43, number: not verified".
# Why it matters: the example of its README has the number 43 and an RSA key, and works. Give a BigInt, `BigInt('0x' + serialNumber)`, and an
#   RSA key, or take another responder.
# Clause: RFC 5280, 4.1.2.2 (serial numbers up to 20 octets), RFC 6960, 4.2.1 (signatureAlgorithm).
set -euo pipefail
dir=$(mktemp -d)
server=
end() { [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"
timeout 60 npm install --prefix "$dir" --no-audit --no-fund ocsp@1.2.0 >/dev/null || { echo 'the package cannot be fetched'; exit 1; }

cat >server.cjs <<'JS'
const fs = require('node:fs')
const { X509Certificate } = require('node:crypto')
const [ca, leaf, way] = process.argv.slice(2)
const server = require('ocsp').Server.create({ cert: fs.readFileSync(`${ca}.pem`), key: fs.readFileSync(`${ca}.key`) })
const { serialNumber } = new X509Certificate(fs.readFileSync(`${leaf}.pem`))
const given = {
  number: Number(`0x${serialNumber}`),
  BigInt: BigInt(`0x${serialNumber}`),
  'as Node writes it': serialNumber,
  'as Node writes it in lower case': serialNumber.toLowerCase()
}
server.addCert(given[way], 'revoked', { revocationTime: new Date(), revocationReason: 'keyCompromise' })
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS

openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -subj /CN=ca -days 2 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ec.key -out ec.pem -subj /CN=ca -days 2 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf 2>/dev/null
issue() { openssl x509 -req -in leaf.csr -CA "$1.pem" -CAkey "$1.key" -set_serial "$3" -days 1 -out "$2.pem" 2>/dev/null; }
issue rsa small 43
issue rsa large 0x5DB96D50E7A0D1C2B3A4958677685940ABCDEF01
issue rsa zero 0x0DB96D50E7A0D1C2B3A4958677685940ABCDEF01
issue ec small-ec 43

# try NAME CA LEAF WAY EXPECTED: the serial number of the leaf is registered that way, as revoked
try() {
  local seen
  rm -f port
  timeout 30 node server.cjs "$2" "$3" "$4" >server.txt 2>&1 &
  server=$!
  timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || { cat server.txt; changed "$1: the responder does not start"; }
  timeout 10 openssl ocsp -url "http://127.0.0.1:$(cat port)/" -issuer "$2.pem" -cert "$3.pem" -CAfile "$2.pem" -no_nonce >said.txt 2>&1 || true
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=
  if grep -q 'Response verify OK' said.txt; then seen=$(sed -n "s/^$3.pem: //p" said.txt); else seen='not verified'; fi
  echo "$1, $4: $seen"
  [ "$seen" = "$5" ] || { cat said.txt; changed "$1, $4: expected $5"; }
}
try 'RSA, 43' rsa small number revoked
try 'RSA, 160 bits' rsa large number unknown
try 'RSA, 160 bits' rsa large 'as Node writes it' unknown
try 'RSA, 160 bits' rsa large BigInt revoked
try 'RSA, leading zero' rsa zero 'as Node writes it in lower case' unknown
try 'RSA, leading zero' rsa zero BigInt revoked
try 'EC, 43' ec small-ec number 'not verified'
grep -q 'wrong public key type' said.txt || { cat said.txt; changed 'openssl says otherwise why'; }
echo 'as described'
