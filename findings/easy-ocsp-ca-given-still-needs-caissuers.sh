#!/usr/bin/env bash
# easy-ocsp asks nothing about a certificate without caIssuers, even when it has been given the CA's certificate.
#
# Expected: getCertStatus(cert, { ca }) takes the responder's address out of the certificate, and the issuer out of the option.
# Instead: it throws "Certificate does not contain issuer url" when authorityInfoAccess holds the OCSP address alone, and sends no
#   request. It looks for both addresses first, and needs one. With caIssuers in the certificate the same call works, and does not
#   fetch that address; with the option ocspUrl beside ca, the certificate without it works, too.
# Seen: easy-ocsp 1.3.0 (npm); the verdict, then the paths of the requests that arrived:
#   OCSP alone, ca: Certificate does not contain issuer url []
#   OCSP alone, ca and ocspUrl: good [/ocsp]
#   OCSP and caIssuers, ca: good [/ocsp]
# Matters: private CAs often leave caIssuers out, as their clients hold the CA. The message speaks of a missing issuer that was
#   given, so it is looked for in the wrong place. Give ocspUrl as well, or write caIssuers into certificates.
# Clause: RFC 5280 4.2.2.1: each access method of authorityInfoAccess stands for itself; RFC 6960 3.1 asks for id-ad-ocsp only.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 npm install --prefix "$dir" --no-audit --no-fund easy-ocsp@1.3.0 >/dev/null

{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' > index.txt
} >log 2>&1 || { cat log; exit 1; }

cat > check.cjs <<'JS'
const fs = require('fs'), http = require('http'), { execFileSync } = require('child_process');
const { getCertStatus } = require('easy-ocsp');
const openssl = (args) => execFileSync('openssl', args.split(' '), { stdio: 'ignore' });
let paths = [];
const server = http.createServer(async (request, response) => {
  paths.push(request.url);
  fs.writeFileSync('request.der', Buffer.concat(await request.toArray()));
  openssl('ocsp -reqin request.der -CA ca.pem -index index.txt -rsigner ca.pem -rkey ca.key -ndays 1 -noverify -respout answer.der');
  response.end(fs.readFileSync('answer.der'));
}).listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}`, ca = fs.readFileSync('ca.pem', 'utf8'), ocspUrl = `${url}/ocsp`;
  const ask = async (what, access, options) => {
    fs.writeFileSync('leaf.ext', `authorityInfoAccess=${access}`);
    openssl('x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 20 -extfile leaf.ext -out leaf.pem');
    paths = [];
    const said = await getCertStatus(fs.readFileSync('leaf.pem', 'utf8'), options).then((r) => r.status, (e) => e.message);
    console.log(`${what}: ${said} [${paths}]`);
  };
  await ask('OCSP alone, ca', `OCSP;URI:${ocspUrl}`, { ca });
  await ask('OCSP alone, ca and ocspUrl', `OCSP;URI:${ocspUrl}`, { ca, ocspUrl });
  await ask('OCSP and caIssuers, ca', `OCSP;URI:${ocspUrl},caIssuers;URI:${url}/ca.der`, { ca });
  process.exit();
});
JS
got=$(timeout 30 node check.cjs)
echo "$got"
want='OCSP alone, ca: Certificate does not contain issuer url []
OCSP alone, ca and ocspUrl: good [/ocsp]
OCSP and caIssuers, ca: good [/ocsp]'
[ "$got" = "$want" ] || { echo "changed: easy-ocsp 1.3.0 says otherwise than the header"; exit 1; }
echo "as described"
