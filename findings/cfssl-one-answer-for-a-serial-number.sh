#!/usr/bin/env bash
# cfssl ocspserve keeps its answers by serial number alone: of two CAs with a certificate 1234 each, one gets the answer of the other.
#
# Expected: a file of answers of two CAs is served by CertID, which names the issuer, too; or the second answer is refused at the start.
# Instead: the file is read as one answer, without a warning, and whoever asks the first CA's question is sent the answer of the second CA.
#   Clients refuse it, so the certificate has no status at all. A question by SHA-256 is answered by SHA-1 in the same way.
# Versions: Debian 12: golang-cfssl 1.2.0+git20160825.89.7fb22c8-3.1+b11, asked by `openssl ocsp`.
# Seen: "first CA alone: good", "both CAs: first CA: not verified, second CA: good", "Read 1 OCSP responses" for a file of two.
# Why it matters: CAs that count their certificates from 1 or 1000, as `openssl ca` with a serial file does, share serial numbers. One ocspserve
#   for a root and its intermediate loses answers as soon as a number is used twice. One process for each CA, or a responder that knows issuers.
# Clause: RFC 6960, 4.1.1 (CertID: issuerNameHash, issuerKeyHash, serialNumber); RFC 5280, 4.1.2.2 (serial numbers are unique for one CA).
set -euo pipefail
dir=$(mktemp -d)
pid=
end() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download golang-cfssl=1.2.0+git20160825.89.7fb22c8-3.1+b11 ||
  { echo 'the package cannot be fetched'; exit 1; }
dpkg -x ./*.deb root
cfssl=$dir/root/usr/bin/cfssl

for ca in first second; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 2 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf 2>/dev/null
  openssl x509 -req -in leaf.csr -CA $ca.pem -CAkey $ca.key -set_serial 0x1234 -days 1 -out $ca.crt 2>/dev/null
  timeout 20 "$cfssl" ocspsign -ca $ca.pem -responder $ca.pem -responder-key $ca.key -cert $ca.crt -loglevel 5 >$ca.json
  node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).ocspResponse' <$ca.json >$ca.answer
done

# start FILE...: a server for these answers
start() {
  [ -z "$pid" ] || { kill "$pid"; wait "$pid" 2>/dev/null || true; }
  cat "$@" >answers
  port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  timeout 60 "$cfssl" ocspserve -port "$port" -responses answers >log.txt 2>&1 &
  pid=$!
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'cfssl ocspserve does not listen'
  echo "$(wc -l <answers) answers in the file: $(grep -o 'Read .* OCSP responses' log.txt)"
}

# ask NAME EXPECTED CA OPTIONS...
ask() {
  local name=$1 expected=$2 ca=$3 seen
  shift 3
  timeout 10 openssl ocsp -url "http://127.0.0.1:$port/" -issuer "$ca.pem" "$@" -cert "$ca.crt" -CAfile "$ca.pem" -no_nonce >said.txt 2>&1 || true
  if grep -q 'Response verify OK' said.txt; then seen=$(sed -n "s/^$ca.crt: //p" said.txt); else seen='not verified'; fi
  echo "$name: $seen"
  [ "$seen" = "$expected" ] || changed "$name: expected $expected"
}

start first.answer
ask 'first CA alone' good first
start first.answer second.answer
grep -q 'Read 1 OCSP responses' log.txt || changed 'two answers are read'
ask 'both CAs, the first one asked' 'not verified' first
ask 'both CAs, the second one asked' good second
ask 'both CAs, the second one asked by SHA-256' 'ERROR: No Status found.' second -sha256
echo 'as described: one answer for a serial number'
