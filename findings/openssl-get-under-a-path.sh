#!/usr/bin/env bash
# openssl ocsp as a responder: POST works under every path, GET under none; the refusal is two HTTP responses in a row.
#
# Expected: with http://host/ocsp in the certificates, GET http://host/ocsp/BASE64 is answered as POST http://host/ocsp is.
# Instead:  it takes all that follows the first slash for base64, the path included: 400. POST does not look at the path.
#           Behind the 400 a second complete response stands in the same connection: 200 with an OCSP malformedRequest.
# Versions: Debian openssl 3.0.22-1~deb12u2 with libssl3 of the same version, -ignore_err given.
# Seen:     GET /BASE64 and POST to /, /ocsp, /ca/1: good. GET /ocsp/BASE64: "HTTP/1.0 400 Bad Request", empty line,
#           "HTTP/1.0 200 OK", "Content-Length: 5", 30 03 0a 01 01. The log says "Error parsing DER-encoded request content".
# Matters:  the test with `openssl ocsp -url` (POST) passes, then nginx's stapling, Java and others ask by GET, and get
#           nothing. Give the responder a host name without a path, or strip the path in a proxy before it.
#           RFC 6960, A.1: GET {url}/{url-encoding of base-64 encoding of the DER encoding of the OCSPRequest}.
set -euo pipefail
version='3.0.22-1~deb12u2'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 apt-get -qq -o APT::Sandbox::User=root download "openssl=$version" "libssl3=$version"
for package in ./*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(dirname "$(find "$dir/root" -name libcrypto.so.3)")
export OPENSSL_CONF="$dir/root/etc/ssl/openssl.cnf"
openssl() { timeout 20 "$dir/root/usr/bin/openssl" "$@"; }
openssl version

curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
# shellcheck disable=SC2086
{
  openssl req -x509 $curve -keyout ca.key -out ca.pem -subj /CN=ca -days 30
  for name in a:1A2B b:1A2C; do
    openssl req $curve -keyout key.pem -out csr.pem -subj "/CN=${name%:*}"
    openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial "0x${name#*:}" -days 20 -out "${name%:*}.pem"
  done
} 2>/dev/null

fail() { echo "CHANGED: $1"; exit 1; }
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=a\n' >index.txt
timeout 50 "$dir/root/usr/bin/openssl" ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -port 0 -ignore_err >server.txt 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
for _ in $(seq 100); do grep -qs waiting server.txt && break; sleep 0.1; done
port=$(sed -n 's/^ACCEPT .*:\([0-9]*\) PID=.*/\1/p' server.txt)
[ -n "$port" ] || fail "the responder did not start: $(head -1 server.txt)"

openssl ocsp -issuer ca.pem -cert a.pem -no_nonce -reqout request.der
encoded=$(openssl base64 -A -in request.der | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')
# get PATH: the whole answer of the connection, in raw.bin; prints its status lines.
get() {
  exec 9<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$1" >&9
  timeout 10 cat <&9 >raw.bin
  exec 9>&-
  grep -a '^HTTP/' raw.bin | tr -d '\r' | paste -sd ','
}
# status: the OCSP status in what get() has read.
status() {
  tail -c "$(tr -d '\r' <raw.bin | sed -n 's/^Content-Length: //p' | tail -1)" raw.bin >body.der
  openssl ocsp -respin body.der -issuer ca.pem -cert a.pem -no_nonce -CAfile ca.pem 2>/dev/null | grep -a -m1 'a[.]pem\|Responder Error'
}
post() { openssl ocsp -url "http://127.0.0.1:$port$1" -issuer ca.pem -cert a.pem -no_nonce -CAfile ca.pem 2>/dev/null | grep -m1 'a[.]pem'; }

for path in / /ocsp /ca/1; do
  said=$(post $path) || true
  echo "POST $path: $said"
  [ "$said" = 'a.pem: good' ] || fail "POST $path"
done
lines=$(get "/$encoded")
said=$(status) || true
echo "GET /BASE64: $lines: $said"
[ "$lines" = 'HTTP/1.0 200 OK' ] && [ "$said" = 'a.pem: good' ] || fail 'GET at the root'
for path in /ocsp /ca/1; do
  lines=$(get "$path/$encoded")
  said=$(status) || true
  echo "GET $path/BASE64: $lines: $said"
  [ "$lines" = 'HTTP/1.0 400 Bad Request,HTTP/1.0 200 OK' ] || fail "the status lines of GET $path/BASE64"
  [ "$said" = 'Responder Error: malformedrequest (1)' ] || fail "the OCSP status behind it: $said"
done
grep -q 'Error parsing DER-encoded request content' server.txt || fail 'the log has another reason'
echo 'As described: by GET at the root only, and two responses where it refuses.'
