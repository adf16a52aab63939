#!/usr/bin/env bash
# openssl ocsp as a responder: with -rcid every answer is about the serial number 0.
#
# Expected: `-rcid sha256` ("use specified algorithm for cert id in response") names the same certificates by SHA-256.
# Instead:  the two hashes are right, the serial number is 0 for each certificate. `openssl ocsp` itself then finds no
#           status: neither by the hash it asked with nor, told to look by SHA-256, by the other.
# Versions: Debian openssl 3.0.22-1~deb12u2 with libssl3 of the same version.
# Seen:     asked for 1A2B and 1A2C: two entries "Serial Number: 00", one good, one revoked, signed and
#           "Response verify OK"; then "ERROR: No Status found." for both.
# Matters:  -rcid is the option that one reaches for to leave SHA-1, or to make test answers by another hash than that
#           of the request. Use -sha256 before -cert instead. RFC 6960, 4.1.1: serialNumber is that of the certificate.
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
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=a\nR\t301231235959Z\t261101000000Z\t1A2C\tunknown\t/CN=b\n' >index.txt
# make FILE HASH [OPTION ...]: an answer about both certificates, asked for by HASH.
make() {
  local file=$1 hash=$2
  shift 2
  openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 "$@" \
    -issuer ca.pem "$hash" -cert a.pem "$hash" -cert b.pem -no_nonce -respout "$file" >/dev/null 2>&1
}
serials() { openssl ocsp -respin "$1" -noverify -resp_text | sed -n '/Responses:/,/Signature/s/^ *Serial Number: //p' | paste -sd ' '; }
hashes() { openssl ocsp -respin "$1" -noverify -resp_text | sed -n 's/^ *Issuer Name Hash: //p' | sort -u; }
find_() {
  openssl ocsp -respin "$1" -issuer ca.pem "$2" -cert a.pem "$2" -cert b.pem -no_nonce -CAfile ca.pem 2>verify.txt |
    grep '^[ab][.]pem' | paste -sd ' '
}

make sha1.der -sha1
make sha256.der -sha256
make rcid.der -sha1 -rcid sha256
for file in sha1 sha256 rcid; do echo "$file: serials $(serials $file.der), issuer $(hashes $file.der)"; done
control=$(find_ sha256.der -sha256)
one=$(find_ rcid.der -sha1) || true
two=$(find_ rcid.der -sha256) || true
echo "-sha256 before -cert:            $control"
echo "-rcid sha256, looked for by it:  $two"
echo "verified:                        $(head -1 verify.txt)"
[ "$(serials sha1.der)" = '1A2B 1A2C' ] && [ "$(serials sha256.der)" = '1A2B 1A2C' ] || fail 'the controls have other serial numbers'
[ "$control" = 'a.pem: good b.pem: revoked' ] || fail 'the control is not found by SHA-256'
[ "$(hashes rcid.der)" = "$(hashes sha256.der)" ] || fail '-rcid does not change the hash of the name'
[ "$(serials rcid.der)" = '00 00' ] || fail "-rcid writes the serial numbers $(serials rcid.der)"
[ "$(head -1 verify.txt)" = 'Response verify OK' ] || fail 'the answer does not verify'
for found in "$one" "$two"; do
  [ "$found" = 'a.pem: ERROR: No Status found. b.pem: ERROR: No Status found.' ] || fail "a status is found: $found"
done
echo 'As described: the serial numbers are 0.'
