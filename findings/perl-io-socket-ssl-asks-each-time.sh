#!/usr/bin/env bash
# Perl's IO::Socket::SSL keeps the answers of responders in a cache, and finds none of them there while it is valid.
#
# Expected: connections that share a context (SSL_reuse_ctx), or a cache (SSL_ocsp_cache), ask the responder once while its answer is valid:
#   the documentation speaks of a cache for the OCSP answers, so that the same question is not asked for each connection.
# Instead: each connection asks again, as long as nextUpdate has not come. The same holds for a tryLater, which is to be kept for ten seconds.
# Versions: Debian 12: libio-socket-ssl-perl 2.081-2, libnet-ssleay-perl 1.92-2+b1, Perl 5.36, against `openssl s_server`.
# Seen: "3 connections, answer valid for an hour: 3 requests", "3 connections, tryLater: 3 requests".
# Why it matters: LWP, Net::SMTP and others stand on it. A responder has to count on a request for each TLS connection of such a program, not
#   one per nextUpdate, and each connection waits for it. Staples (the default mode takes them) spare the requests.
# Clause: RFC 5019, 6.1: clients must cache answers and not ask again before nextUpdate.
set -euo pipefail
dir=$(mktemp -d)
servers=()
end() { for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download libio-socket-ssl-perl=2.081-2 libnet-ssleay-perl=1.92-2+b1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
export PERL5LIB=$dir/root/usr/share/perl5:$dir/root/usr/lib/x86_64-linux-gnu/perl5/5.36

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
servers+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
printf 'subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:%s/\n' "$(cat port)" >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 1 -extfile site.ext -out site.crt 2>/dev/null
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' >index.txt
port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
timeout 120 openssl s_server -accept "127.0.0.1:$port" -key site.key -cert site.crt -www >server.txt 2>&1 &
servers+=($!)
timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'openssl s_server does not listen'

cat >connect.pl <<'PERL'
use strict;
use IO::Socket::SSL;
my $context = IO::Socket::SSL::SSL_Context->new(SSL_ca_file => 'ca.pem', SSL_ocsp_mode => SSL_OCSP_NO_STAPLE) or die $SSL_ERROR;
for (1 .. 3) {
  my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0], SSL_hostname => 'localhost',
    SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'http', SSL_reuse_ctx => $context) or die $SSL_ERROR;
  my $resolver = $socket->ocsp_resolver;
  my $error = $resolver->resolve_blocking(timeout => 5);
  print $error ? "hard error: $error" : $resolver->soft_error ? 'soft error' : 'good', "\n";
  $socket->close;
}
PERL

# try NAME EXPECTED-VERDICT EXPECTED-REQUESTS
try() {
  local said count
  : >count
  said=$(timeout 40 perl connect.pl "$port" | sort -u)
  count=$(wc -c <count)
  echo "3 connections, $1: $count requests, $said"
  [ "$said" = "$2" ] && [ "$count" = "$3" ] || changed "$1: expected $3 requests, $2"
}

openssl ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index index.txt -noverify -no_nonce -nmin 60 \
  -respout answer.der >/dev/null 2>&1
try 'answer valid for an hour' good 3
printf '\x30\x03\x0a\x01\x03' >answer.der
try tryLater 'soft error' 3
echo 'as described: one request for each connection'
