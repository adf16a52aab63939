#!/usr/bin/env bash
# jsrsasign writes a request about two certificates as two questions about the first one, and reads no such request at all.
#
# Expected: KJUR.asn1.ocsp.OCSPRequest({reqList: [a, b]}) asks about a and b; OCSPParser.getOCSPRequest lists every CertID of a request.
# Instead: the writer puts the first member of reqList into every place: a, a. Nothing is said. The reader takes a request with one
#   CertID and throws at the same request with a second one, since it looks for the second entry in the octets of the first alone.
# Seen: jsrsasign 11.1.5 (npm), serial numbers as `openssl ocsp -reqin` and as jsrsasign reads them:
#   written by openssl for 1234: openssl reads 1234 | jsrsasign reads 1234
#   written by openssl for 1234 5678: openssl reads 1234 5678 | jsrsasign throws too short ASN.1 value
#   written by jsrsasign for 1234: openssl reads 1234 | jsrsasign reads 1234
#   written by jsrsasign for 1234 5678: openssl reads 1234 1234 | jsrsasign throws too short ASN.1 value
# Matters: a client of it that asks for a chain gets a proper answer, which lacks every certificate but the first: the responder looks
#   guilty, and its log shows the same serial number twice. A responder or proxy that reads requests by it fails for the clients that
#   put several certificates into one. Ask for one certificate in a request.
# Clause: RFC 6960 4.1.1: requestList is a SEQUENCE OF Request.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 npm install --prefix "$dir" --no-audit --no-fund jsrsasign@11.1.5 >/dev/null

openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 2>/dev/null
openssl ocsp -no_nonce -issuer ca.pem -serial 0x1234 -reqout openssl-one.der
openssl ocsp -no_nonce -issuer ca.pem -serial 0x1234 -serial 0x5678 -reqout openssl-two.der

cat > write.cjs <<'JS'
const { KJUR } = require('jsrsasign'), fs = require('fs');
const entry = (sbjsn) => ({ alg: 'sha1', issname: '11'.repeat(20), isskey: '22'.repeat(20), sbjsn });
const write = (f, ...serials) => fs.writeFileSync(f, new KJUR.asn1.ocsp.OCSPRequest({ reqList: serials.map(entry) }).tohex(), 'hex');
write('jsrsasign-one.der', '1234');
write('jsrsasign-two.der', '1234', '5678');
JS
cat > read.cjs <<'JS'
const { KJUR } = require('jsrsasign'), fs = require('fs');
try {
  const { array } = new KJUR.asn1.ocsp.OCSPParser().getOCSPRequest(fs.readFileSync(process.argv[2], 'hex'));
  console.log(`reads ${array.map((e) => e.sbjsn).join(' ')}`);
} catch (e) { console.log(`throws ${e.message ?? e}`); }
JS
timeout 30 node write.cjs
got=$(for by in openssl jsrsasign; do for n in one two; do
  asked=1234; [ $n = one ] || asked="1234 5678"
  serials=$(openssl ocsp -reqin "$by-$n.der" -req_text | sed -n 's/.*Serial Number: //p' | paste -sd ' ')
  echo "written by $by for $asked: openssl reads $serials | jsrsasign $(timeout 30 node read.cjs "$by-$n.der")"
done; done)
echo "$got"
want='written by openssl for 1234: openssl reads 1234 | jsrsasign reads 1234
written by openssl for 1234 5678: openssl reads 1234 5678 | jsrsasign throws too short ASN.1 value
written by jsrsasign for 1234: openssl reads 1234 | jsrsasign reads 1234
written by jsrsasign for 1234 5678: openssl reads 1234 1234 | jsrsasign throws too short ASN.1 value'
[ "$got" = "$want" ] || { echo "changed: jsrsasign 11.1.5 says otherwise than the header"; exit 1; }
echo "as described"
