#!/usr/bin/env bash
# One index, two answers: a serial number in lower case is revoked in the CRL and "unknown" by OCSP.
#
# Expected: `openssl ca -gencrl` and `openssl ocsp` read the same file in the same way; 1a2c and 1A2C are one number.
# Instead:  the CRL has the certificate as revoked. The responder compares the letters, finds no row, says "unknown", and
#           nothing on stderr. Leading zeros do not matter to it.
# Versions: Debian openssl 3.0.22-1~deb12u2 with libssl3 of the same version.
# Seen:     row "R ... 1a2c": CRL "Serial Number: 1A2C", OCSP "unknown"; `openssl ca -status 1a2c` says "Serial 1A2C not
#           present in db." Rows "1A2C" and "00001A2C": revoked by both.
# Matters:  most languages and databases print hexadecimal in lower case. An index made from such a list passes every look
#           at its CRL. Write serial numbers in upper case, or as `openssl x509 -serial` prints them.
#           RFC 6960, 2.2: unknown is for certificates that the responder does not know about.
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
cat >ca.cnf <<'CNF'
[ca]
default_ca = here
[here]
database = index.txt
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 7
CNF
# look SERIAL: what CRL, responder and `ca -status` say of the certificate 1A2C when its row has SERIAL.
look() {
  printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=a\nR\t301231235959Z\t261101000000Z\t%s\tunknown\t/CN=b\n' "$1" >index.txt
  openssl ca -config ca.cnf -gencrl -out crl.pem 2>crl.txt || fail "no CRL is made: $(tail -1 crl.txt)"
  crl=$(openssl crl -in crl.pem -noout -text | sed -n 's/^ *Serial Number: //p')
  openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 \
    -issuer ca.pem -cert a.pem -cert b.pem -no_nonce -respout response.der >said.txt 2>&1 || fail 'the responder does not answer'
  ocsp=$(openssl ocsp -respin response.der -issuer ca.pem -cert a.pem -cert b.pem -no_nonce -CAfile ca.pem 2>/dev/null |
    grep '^[ab][.]pem' | paste -sd ' ')
  status=$(openssl ca -config ca.cnf -status "$1" 2>&1 | grep -o 'Serial.*\|1A2C.*' | head -1) || true
  printf '%-9s CRL: %s | OCSP: %s | ca -status: %s\n' "$1" "$crl" "$ocsp" "$status"
}
for serial in 1A2C 00001A2C; do
  look "$serial"
  [ "$crl" = 1A2C ] || fail "the CRL for $serial"
  [ "$ocsp" = 'a.pem: good b.pem: revoked' ] || fail "the answer for $serial"
done
look 1a2c
[ "$crl" = 1A2C ] || fail 'the CRL for 1a2c'
[ "$ocsp" = 'a.pem: good b.pem: unknown' ] || fail 'the answer for 1a2c'
[ ! -s said.txt ] || fail "the responder says something: $(head -1 said.txt)"
[ "$status" = 'Serial 1A2C not present in db.' ] || fail 'ca -status for 1a2c'
echo 'As described: revoked in the CRL, unknown by OCSP.'
