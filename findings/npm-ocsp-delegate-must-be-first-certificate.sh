#!/usr/bin/env bash
# The npm packages ocsp and @techteamer/ocsp find a delegated responder only when its certificate is the first one inside.
#
# Expected: the certificates inside an answer are there to help, in any order. The client takes the one that signed.
# Instead: with the CA's certificate before the delegate's the client says "Invalid signature". It picks the delegate by its extended
#   key usage, and then checks that certificate's signature over the octets of the first certificate of the list, the CA's.
# Seen: ocsp 1.2.0, @techteamer/ocsp 1.0.1 (npm); one answer, signed once, with three lists; `openssl ocsp` takes all of the three:
#   delegate: openssl yes | ocsp good | @techteamer/ocsp good
#   delegate, CA: openssl yes | ocsp good | @techteamer/ocsp good
#   CA, delegate: openssl yes | ocsp Invalid signature | @techteamer/ocsp Invalid signature
# Matters: many Node programs check by one of the two. A responder that puts the issuer first works with OpenSSL, and these clients
#   blame its signature, which is right. The list is not signed: put the signer first, when signing or in a gateway.
# Clause: RFC 6960 4.2.1: certs is a SEQUENCE OF Certificate that helps to verify the signature; no order is given.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 npm install --prefix "$dir" --no-audit --no-fund ocsp@1.2.0 @techteamer/ocsp@1.0.1 >/dev/null

{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 -addext keyUsage=critical,keyCertSign,cRLSign
  issue() {
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -set_serial "$2" -days 20 -extfile <(echo "$3") -out "$1.pem"
  }
  issue leaf 0x1234 subjectAltName=DNS:leaf.example
  issue delegate 0x77 extendedKeyUsage=OCSPSigning
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' > index.txt
  openssl ocsp -issuer ca.pem -cert leaf.pem -CA ca.pem -rsigner delegate.pem -rkey delegate.key -index index.txt -ndays 1 -noverify -respout made.der
} >log 2>&1 || { cat log; exit 1; }

cat > check.cjs <<'JS'
const fs = require('fs'), { execFileSync } = require('child_process'), { X509Certificate } = require('crypto');
const header = (b) => {
  const n = b[1] < 128 ? 0 : b[1] & 127;
  return { start: 2 + n, end: 2 + n + (n ? b.readUIntBE(2, n) : b[1]) };
};
const inside = (b) => {
  const { start, end } = header(b), all = [];
  for (let rest = b.subarray(start, end); rest.length; rest = rest.subarray(header(rest).end)) all.push(rest.subarray(0, header(rest).end));
  return all;
};
const der = (tag, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(body.length < 128 ? [tag, body.length] : [tag, 0x82, body.length >> 8, body.length & 255]), body]);
};
const raw = (name) => new X509Certificate(fs.readFileSync(`${name}.pem`)).raw;
const [status, bytes] = inside(fs.readFileSync('made.der'));
const [type, octets] = inside(inside(bytes)[0]);
const [tbs, algorithm, signature] = inside(octets.subarray(header(octets).start));
const answer = (names) => der(0x30, status, der(0xa0, der(0x30, type, der(0x04,
  der(0x30, tbs, algorithm, signature, der(0xa0, der(0x30, ...names.map(raw))))))));

const leaf = fs.readFileSync('leaf.pem'), ca = fs.readFileSync('ca.pem');
const ask = (name, response) => new Promise((done, fail) => {
  const ocsp = require(name);
  ocsp.verify({ request: ocsp.request.generate(leaf, ca), response }, (e, r) => (e ? fail(e) : done((r.certStatus ?? r).type)));
}).catch((e) => e.message).then((said) => `${name} ${said}`);
const openssl = (response) => {
  fs.writeFileSync('answer.der', response);
  const args = 'ocsp -no_nonce -issuer ca.pem -cert leaf.pem -respin answer.der -CAfile ca.pem'.split(' ');
  return /^leaf.pem: good$/m.test(execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })) ? 'yes' : 'no';
};
(async () => {
  for (const names of [['delegate'], ['delegate', 'ca'], ['ca', 'delegate']]) {
    const a = answer(names);
    console.log(`${names.join(', ').replace('ca', 'CA')}: openssl ${openssl(a)} | ${await ask('ocsp', a)} | ${await ask('@techteamer/ocsp', a)}`);
  }
})();
JS
got=$(timeout 30 node check.cjs)
echo "$got"
want='delegate: openssl yes | ocsp good | @techteamer/ocsp good
delegate, CA: openssl yes | ocsp good | @techteamer/ocsp good
CA, delegate: openssl yes | ocsp Invalid signature | @techteamer/ocsp Invalid signature'
[ "$got" = "$want" ] || { echo "changed: ocsp 1.2.0 or @techteamer/ocsp 1.0.1 says otherwise than the header"; exit 1; }
echo "as described"
