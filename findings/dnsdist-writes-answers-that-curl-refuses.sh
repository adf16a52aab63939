#!/usr/bin/env bash
# The answer that dnsdist's own generateOCSPResponse() writes is refused by curl: its CertID is by SHA-256. With an Ed25519 CA it writes none.
#
# Expected: the answer that dnsdist makes for its own DNS over TLS and HTTPS is taken by the clients that check staples.
# Instead: the CertID is by SHA-256, and no certificate is inside. curl, which looks for SHA-1, refuses the DoH server with it, both as a web
#   client (--cert-status) and as a resolver (--doh-cert-status: no name is resolved); kdig takes it. `openssl ocsp -cert` finds no status in it
#   unless -sha256 stands before. When the CA's key is Ed25519, generateOCSPResponse() fails, and dnsdist does not start.
# Versions: Debian 12: dnsdist 1.7.3-2, curl 7.88.1-10+deb12u15 with OpenSSL, kdig of knot-dnsutils 3.2.6-1, openssl 3.0.
# Seen: "generateOCSPResponse: curl 91, DoH 6, kdig NOERROR", "openssl ocsp: curl 0, DoH 7, kdig NOERROR", "openssl ocsp -sha256: curl 91, DoH 6,
#   kdig NOERROR" (6: the name is not resolved; 7: it is resolved, and nobody listens there); "generateOCSPResponse, Ed25519: no start".
# Why it matters: a DoH service that staples by the manual's own means locks out those who check most strictly. Write the file with a
#   tool that signs for SHA-1, such as `openssl ocsp -respout`.
# Clause: RFC 6960, 4.1.1: hashAlgorithm is free; RFC 5019, 2.1.1: clients use SHA-1.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s log.txt ] || tail -5 log.txt; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download dnsdist=1.7.3-2 libcdb1=0.78+b1 libfstrm0=0.6.1-1 libwslay1=1.1.1-3+b1 \
  libh2o-evloop0.13=2.2.5+dfsg2-7 liblmdb0=0.9.24-1 libluajit-5.1-2=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 libre2-9=20220601+dfsg-1+b1 \
  libwrap0=7.6.q-32 libsnmp40=5.9.3+dfsg-2+deb12u1 libsodium23=1.0.18-1+deb12u1 libedit2=3.1-20221030-2 curl=7.88.1-10+deb12u15 \
  libcurl4=7.88.1-10+deb12u15 knot-dnsutils=3.2.6-1 libknot13=3.2.6-1 libzscanner4=3.2.6-1 libdnssec9=3.2.6-1 libxdp1=1.3.1-1 \
  libprotobuf-c1=1.4.1-1+b1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu:$dir/root/lib/$(uname -m)-linux-gnu"
with() { LD_LIBRARY_PATH=$libraries timeout "$@"; }

openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
echo 'subjectAltName=DNS:localhost' >site.ext
for ca in ec ed; do
  algorithm=(ec -pkeyopt ec_paramgen_curve:P-256)
  [ $ca = ec ] || algorithm=(ed25519)
  openssl req -x509 -newkey "${algorithm[@]}" -nodes -keyout $ca.key -out $ca.pem -subj "/CN=ca $ca" -days 30 2>/dev/null
  openssl x509 -req -in site.csr -CA $ca.pem -CAkey $ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site-$ca.pem 2>/dev/null
done
cat site-ec.pem ec.pem >chain.pem
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
sign() {
  openssl ocsp -CA ec.pem "$@" -issuer ec.pem -cert site-ec.pem -index index.txt -rsigner ec.pem -rkey ec.key -no_nonce -noverify -ndays 1 \
    -respout live.der >/dev/null 2>&1
}
# judge [-sha256]: what `openssl ocsp` says of the answer
judge() { openssl ocsp -respin live.der "$@" -issuer ec.pem -cert site-ec.pem -no_nonce -CAfile ec.pem 2>&1 || true; }

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
# start LINE: dnsdist, which answers every question with 127.0.0.1, with one more line in front of the listeners
start() {
  dot=$(free_port)
  doh=$(free_port)
  while [ "$doh" = "$dot" ]; do doh=$(free_port); done
  cat >dnsdist.conf <<CONF
setSecurityPollSuffix('')
setLocal('127.0.0.1:$(free_port)')
$1
addTLSLocal('127.0.0.1:$dot', '$dir/chain.pem', '$dir/site.key', {provider = 'openssl', ocspResponses = {'$dir/live.der'}})
addDOHLocal('127.0.0.1:$doh', '$dir/chain.pem', '$dir/site.key', '/dns-query', {ocspResponses = {'$dir/live.der'}})
addAction(AllRule(), SpoofAction('127.0.0.1'))
CONF
  with 60 root/usr/bin/dnsdist -C dnsdist.conf --supervised --disable-syslog >log.txt 2>&1 & dnsdist=$!
  pids+=("$dnsdist")
  timeout 15 bash -c "until grep -q 'Fatal' log.txt || { (exec 3<>/dev/tcp/127.0.0.1/$dot) && (exec 3<>/dev/tcp/127.0.0.1/$doh); } 2>/dev/null
    do sleep 0.1; done" || changed 'dnsdist neither listens nor ends'
}
stop() { kill "$dnsdist" 2>/dev/null || true; wait "$dnsdist" 2>/dev/null || true; unset 'pids[-1]'; }
# try NAME LINE EXPECTED
try() {
  local web=0 resolved=0 dig seen
  start "$2"
  with 15 root/usr/bin/curl -s --cacert ec.pem --cert-status -o page.txt "https://localhost:$doh/dns-query" || web=$?
  with 15 root/usr/bin/curl -s --cacert ec.pem --doh-cert-status --doh-url "https://localhost:$doh/dns-query" http://name.test:1/ || resolved=$?
  dig=$(with 15 root/usr/bin/kdig @127.0.0.1 -p "$dot" +tls-ca=ec.pem +tls-hostname=localhost +tls-ocsp-stapling name.test A 2>&1 |
    sed -n 's/.*status: \([A-Z]*\);.*/\1/p') || true
  stop
  seen="curl $web, DoH $resolved, kdig ${dig:-nothing}"
  echo "$1: $seen"
  [ "$seen" = "$3" ] || changed "$1: expected $3"
}
generate() { echo "generateOCSPResponse('$dir/site-$1.pem', '$dir/$1.pem', '$dir/$1.key', '$dir/live.der', 1, 0)"; }

try generateOCSPResponse "$(generate ec)" 'curl 91, DoH 6, kdig NOERROR'
judge >plain.txt
judge -sha256 >sha256.txt
grep -q 'No Status found' plain.txt && grep -q '^site-ec.pem: good' sha256.txt || changed 'openssl finds it otherwise'
sign
try 'openssl ocsp' '' 'curl 0, DoH 7, kdig NOERROR'
sign -sha256
try 'openssl ocsp -sha256' '' 'curl 91, DoH 6, kdig NOERROR'
start "$(generate ed)"
grep -q 'Error while signing the OCSP response' log.txt || changed 'an answer of an Ed25519 CA is written'
stop
echo 'generateOCSPResponse, Ed25519: no start'
echo 'as described: by SHA-256 only, and not for Ed25519'
