#!/usr/bin/env bash
# curl --cert-status (OpenSSL): a good staple is refused unless the server sends the CA's certificate, which curl has.
#
# Expected: the CA is in --cacert, the chain verifies by it, so the staple can be checked by it, too.
# Instead:  exit code 91, unless the issuer stands in the handshake. A root that issues server certificates itself (a
#           private PKI) is sent by nobody: RFC 8446, 4.4.2, and RFC 5246, 7.4.2, let servers leave the root out.
#           The CA's certificate inside of the answer does not help, it only changes the error.
# Versions: Debian curl and libcurl4 7.88.1-10+deb12u15, with OpenSSL 3.0.22-1~deb12u2.
# Seen:     the same staple, "good", current, by SHA-1: leaf alone 91, leaf and CA 0. Without --cert-status both are 0.
#           "OCSP response verification failed"; with the CA's certificate in the answer "Error computing OCSP ID".
# Matters:  on a private CA a check by `curl --cert-status` cries wolf for each server that is set up by the book, and neither
#           message speaks of the missing certificate. Let the server send the root, too, or check with `openssl s_client -status`.
#           RFC 6066, 8, has the staple about the server's certificate; it asks for no more certificates.
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
openssl='3.0.22-1~deb12u2' curl='7.88.1-10+deb12u15'
timeout 50 apt-get -qq -o APT::Sandbox::User=root download "openssl=$openssl" "libssl3=$openssl" "curl=$curl" "libcurl4=$curl"
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find "$dir/root" -name libcrypto.so.3)")
export OPENSSL_CONF="$dir/root/etc/ssl/openssl.cnf"
openssl() { LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/openssl" "$@"; }
curl() { LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/curl" --disable -sS -o /dev/null "$@"; }
fail() { echo "CHANGED: $1"; exit 1; }

curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
echo 'subjectAltName=DNS:localhost' >extensions
# shellcheck disable=SC2086
{
  openssl req -x509 $curve -keyout ca.key -out ca.pem -subj /CN=ca -days 30
  openssl req $curve -keyout key.pem -out csr.pem -subj /CN=localhost
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile extensions -out site.pem
} 2>/dev/null
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
# staple NAME HASH [OPTION ...]
staple() {
  openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 4 -issuer ca.pem "$2" -cert site.pem \
    -no_nonce -respout "$1.der" "${@:3}" >/dev/null 2>&1
  openssl ocsp -respin "$1.der" -issuer ca.pem "$2" -cert site.pem -no_nonce -CAfile ca.pem 2>&1 | paste -sd ' ' >valid.txt
  grep -q 'Response verify OK site.pem: good' valid.txt || fail "openssl does not take the answer $1: $(cat valid.txt)"
}
staple inside -sha1
staple bare -sha1 -resp_no_certs
staple key -sha1 -resp_no_certs -resp_key_id

# visit STAPLE leaf|chain: the exit codes without and with --cert-status; text is what curl says.
visit() {
  local option=() port
  [ "$2" = leaf ] || option=(-cert_chain ca.pem)
  : >server.txt
  LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/openssl" s_server -accept 127.0.0.1:0 -cert site.pem -key key.pem \
    "${option[@]}" -status_file "$1.der" -www >server.txt 2>&1 &
  server=$!
  for _ in $(seq 100); do grep -q ^ACCEPT server.txt && break; sleep 0.1; done
  port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' server.txt)
  codes=0
  curl --noproxy '*' --cacert ca.pem "https://localhost:$port/" || codes=$?
  text=$(curl --noproxy '*' --cacert ca.pem --cert-status "https://localhost:$port/" 2>&1) && codes="$codes 0" || codes="$codes $?"
  kill "$server"; wait "$server" 2>/dev/null || true
  server=
  printf '%-6s %-5s: %s %s\n' "$1" "$2" "$codes" "$text"
}
for name in inside bare key; do
  visit $name chain
  [ "$codes $text" = '0 0 ' ] || fail "the control: $name, the CA in the handshake"
  visit $name leaf
  [ "$codes" = '0 91' ] || fail "$name, the leaf alone"
  expected='OCSP response verification failed'
  [ $name != inside ] || expected='Error computing OCSP ID'
  [ "$text" = "curl: (91) $expected" ] || fail "what curl says of $name"
done
echo 'As described: the CA has to be sent, too.'
