#!/usr/bin/env bash
# stunnel with "OCSP = URL" asks that one responder about every certificate of the chain, the intermediate CA's first, and knows no soft failure.
#
# Expected: the URL is that of the CA which issued the other side's certificate. What it does not know is not asked of it, as with OCSPaia,
#   by which a certificate without a URL is passed over.
# Instead: the intermediate CA's own certificate, which the root issued, is asked about at the same URL. A responder of the
#   intermediate CA alone says "unauthorized", and the connection is closed before the site's certificate is looked at. A tryLater about
#   that closes it, too; this version has no option to go on.
# Versions: Debian 12: stunnel4 3:5.68-2+deb12u1 as the client (verifyChain, CAfile with the root), libwrap0 7.6.q-32, against `openssl s_server`.
# Seen: "OCSP = URL, responder of the intermediate alone: closed, questions: 1, at depth 1", "OCSP = URL, responder of both: open, questions: 2",
#   "OCSPaia, responder of the intermediate alone: open, questions: 1", "OCSPaia, tryLater: closed, questions: 1, at depth 0".
# Why it matters: behind that URL there has to be a responder that answers for the root, too, with the root's signature or its delegate's. Or take
#   OCSPaia = yes, and put a URL into the certificates that are meant.
# Clause: RFC 6960, 4.2.2.2: an answer counts when the issuer of the certificate in question signed it, or named its signer.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download stunnel4=3:5.68-2+deb12u1 libwrap0=7.6.q-32 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done

# The responder gives the file for the serial number in the request, or unauthorized.
cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part)).on('end', () => {
    fs.appendFileSync('count', '.')
    const asked = Buffer.concat(parts).toString('hex')
    const name = ['1a2b', '1a2c'].find(serial => asked.includes(`0202${serial}`))
    const unauthorized = Buffer.from([0x30, 3, 0x0a, 1, 6])
    const answer = fs.existsSync(`answers/${name}`) ? fs.readFileSync(`answers/${name}`) : unauthorized
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(answer)
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
timeout 120 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

# issue NAME CA SERIAL EXTENSIONS
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out csr.pem -subj "/CN=$1" 2>/dev/null
  openssl x509 -req -in csr.pem -CA "$2.pem" -CAkey "$2.key" -set_serial "$3" -days 2 -out "$1.pem" -extfile <(printf '%b' "$4") 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -subj /CN=root -days 2 2>/dev/null
issue intermediate root 0x1A2C 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\n'
issue site intermediate 0x1A2B "subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:$(cat port)/\n"
# sign CA CERTIFICATE SERIAL: an answer "good" about it, as a file of that name
sign() {
  printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=%s\n' "$3" "$2" >index.txt
  openssl ocsp -CA "$1.pem" -issuer "$1.pem" -cert "$2.pem" -index index.txt -rsigner "$1.pem" -rkey "$1.key" -ndays 1 -no_nonce -noverify \
    -respout "$2.der" >/dev/null 2>&1
  openssl ocsp -respin "$2.der" -issuer "$1.pem" -cert "$2.pem" -no_nonce -CAfile root.pem -verify_other intermediate.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q "^$2.pem: good" check.txt || { cat check.txt; changed "openssl does not take the answer about $2"; }
}
sign intermediate site 1A2B
sign root intermediate 1A2C
printf '\x30\x03\x0a\x01\x03' >tryLater.der

: >server.txt
timeout 120 openssl s_server -accept 127.0.0.1:0 -cert site.pem -key site.key -cert_chain intermediate.pem -www >server.txt 2>&1 &
pids+=($!)
timeout 10 bash -c 'until grep -q ^ACCEPT server.txt; do sleep 0.1; done' || changed 'openssl s_server does not listen'
site=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' server.txt)

# try NAME OPTION EXPECTED FILE-FOR-THE-SITE [FILE-FOR-THE-INTERMEDIATE]
try() {
  local port stunnel seen
  rm -rf answers
  mkdir answers
  cp "$4.der" answers/1a2b
  [ -z "${5-}" ] || cp "$5.der" answers/1a2c
  : >count
  : >stunnel.txt
  port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  printf '%s\n' 'foreground = yes' 'pid =' 'debug = info' '[site]' 'client = yes' "accept = 127.0.0.1:$port" "connect = 127.0.0.1:$site" \
    "CAfile = $dir/root.pem" 'verifyChain = yes' "$2" >stunnel.conf
  LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu timeout 30 root/usr/bin/stunnel4 stunnel.conf >stunnel.txt 2>&1 &
  stunnel=$!
  pids+=("$stunnel")
  timeout 10 bash -c 'until grep -q "Configuration successful" stunnel.txt; do sleep 0.1; done' || { cat stunnel.txt; changed 'stunnel does not start'; }
  sleep 0.5
  seen=closed
  if timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3" 2>/dev/null | grep -aq '200 ok'; then seen=open; fi
  kill "$stunnel"
  wait "$stunnel" 2>/dev/null || true
  unset 'pids[-1]'
  seen+=", questions: $(wc -c <count)$(sed -n 's/.*Rejected by OCSP at depth=\([0-9]*\):.*/, at depth \1/p' stunnel.txt)"
  echo "$1: $seen"
  [ "$seen" = "$3" ] || { cat stunnel.txt; changed "$1: expected $3"; }
}
url="OCSP = http://127.0.0.1:$(cat port)/"
try 'OCSP = URL, responder of the intermediate alone' "$url" 'closed, questions: 1, at depth 1' site
try 'OCSP = URL, responder of both' "$url" 'open, questions: 2' site intermediate
try 'OCSPaia, responder of the intermediate alone' 'OCSPaia = yes' 'open, questions: 1' site
try 'OCSPaia, tryLater' 'OCSPaia = yes' 'closed, questions: 1, at depth 0' tryLater
echo 'as described: one URL for the whole chain'
