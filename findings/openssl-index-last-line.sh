#!/usr/bin/env bash
# openssl ocsp: the last row of the index is lost, without a word, when the file does not end in a newline.
#
# Expected: a list of certificates whose last line has no newline is read whole (or refused).
# Instead:  the row is dropped. No message, exit code 0. The responder answers "unknown" for that certificate.
#           Programs that write rows with join("\n") leave that newline out, and append the newest row last:
#           so it is the certificate revoked a minute ago whose revocation nobody sees.
# Versions: Debian openssl 3.0.22-1~deb12u2 with libssl3 of the same version.
# Seen:     with the newline "b.pem: revoked", without it "b.pem: unknown". A file of that one row alone and without
#           newline reads as an empty list: the responder starts all the same.
# Matters:  for whoever feeds `openssl ocsp -index` (or `openssl ca`) from a database, and for whoever writes a reader of
#           such lists and means to agree with OpenSSL. RFC 6960, 2.2 has "unknown" for certificates that the
#           responder does not know about, so clients may turn to another source, or let it pass.
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

# ask INDEX: the answers about both certificates, in one line; what the responder prints goes to responder.txt.
ask() {
  openssl ocsp -index "$1" -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 \
    -issuer ca.pem -cert a.pem -cert b.pem -no_nonce -respout response.der >responder.txt 2>&1 || return 1
  openssl ocsp -respin response.der -issuer ca.pem -cert a.pem -cert b.pem -no_nonce -CAfile ca.pem 2>/dev/null |
    grep '^[ab][.]pem' | paste -sd ' '
}
fail() { echo "CHANGED: $1"; exit 1; }

good=$'V\t301231235959Z\t\t1A2B\tunknown\t/CN=a'
revoked=$'R\t301231235959Z\t261101000000Z,keyCompromise\t1A2C\tunknown\t/CN=b'
printf '%s\n%s\n' "$good" "$revoked" >whole.txt
printf '%s\n%s' "$good" "$revoked" >cut.txt
printf '%s' "$revoked" >alone.txt
printf '%s\n%s\n# end' "$good" "$revoked" >comment.txt

whole=$(ask whole.txt) || fail 'the ordinary list was not taken'
cut=$(ask cut.txt) || fail "a list without a newline at its end is refused: $(head -1 responder.txt)"
said=$(cat responder.txt)
alone=$(ask alone.txt) || fail "a list of one row without newline is refused: $(head -1 responder.txt)"
comment=$(ask comment.txt) || fail 'a list with a comment at its end was not taken'
echo "newline at the end:       $whole"
echo "no newline at the end:    $cut"
echo "one row, no newline:      $alone"
echo "a comment without one:    $comment"
echo "what the responder said:  '$said'"
[ "$whole" = 'a.pem: good b.pem: revoked' ] || fail 'the control does not read good and revoked'
[ "$comment" = "$whole" ] || fail 'a comment without newline hides a row'
[ "$cut" = 'a.pem: good b.pem: unknown' ] || fail 'the row without newline is no longer dropped'
[ "$alone" = 'a.pem: unknown b.pem: unknown' ] || fail 'a lone row without newline is no longer dropped'
[ -z "$said" ] || fail 'the responder now says something about it'
echo 'As described: the last row is lost without a word.'
