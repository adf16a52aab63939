#!/usr/bin/env bash
# openssl ocsp as a responder: for a certificate whose row says "E" it signs an answer with no answer in it.
#
# Expected: `openssl ca -updatedb` marks expired rows "E"; the responder then says good, unknown or unauthorized of them.
# Instead:  the response is "successful", signed, and its list of SingleResponses is empty. The same request was answered
#           "good" before `-updatedb`, though the certificate had expired then, too. Asked for two at once, it leaves the
#           expired one out. A revoked certificate keeps its "R" and its status, expired or not.
# Versions: Debian openssl 3.0.22-1~deb12u2 with libssl3 of the same version.
# Seen:     `openssl ocsp` calls the answer of `openssl ocsp` "Response Verify Failure", "response contains no revocation
#           data". There is nothing wrong with the signature: with `-VAfile ca.pem` the same bytes are "Response verify OK".
# Matters:  a nightly `-updatedb` (or easyrsa's update-db) turns good answers about old signatures into such errors, and
#           people look for a wrong key. A reader of answers has to be ready for an empty list. RFC 6960, 4.2.1 allows
#           it by its grammar; 2.2 knows good, revoked and unknown only.
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


fail() { echo "CHANGED: $1"; exit 1; }
cat >ca.cnf <<'CNF'
[ca]
default_ca = here
[here]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = names
[names]
commonName = supplied
CNF
: >index.txt
echo 1A2B >serial
{
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30
  for name in old:20200101000000Z new:20401231235959Z gone:20200101000000Z; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out csr.pem -subj "/CN=${name%:*}"
    openssl ca -config ca.cnf -batch -notext -in csr.pem -out "${name%:*}.pem" -startdate 20190101000000Z -enddate "${name#*:}"
  done
  openssl ca -config ca.cnf -revoke gone.pem
} >ca.log 2>&1 || fail "the CA: $(tail -1 ca.log)"

# ask FILE NAME...: makes the answer, and prints what the client reads in it.
ask() {
  local file=$1 names=()
  shift
  for name in "$@"; do names+=(-cert "$name.pem"); done
  openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -issuer ca.pem "${names[@]}" \
    -no_nonce -respout "$file" >/dev/null 2>&1 || fail 'the responder does not answer'
  openssl ocsp -respin "$file" -issuer ca.pem "${names[@]}" -no_nonce -CAfile ca.pem 2>verify.txt | grep '[.]pem: ' | paste -sd ' '
}
entries() { openssl ocsp -respin "$1" -noverify -resp_text | grep -c 'Cert Status:' || true; }

before=$(ask before.der old new gone)
openssl ca -config ca.cnf -updatedb 2>/dev/null
rows=$(cut -f1 index.txt | paste -sd ' ')
after=$(ask after.der old new gone) || true
alone=$(ask alone.der old) || true
said=$(sed 's/^.*routines:[^:]*:\([^:]*\):.*/\1/' verify.txt | head -2 | paste -sd ',')
status=$(openssl ocsp -respin alone.der -noverify -resp_text | sed -n 's/^ *OCSP Response Status: //p')
signature=$(openssl ocsp -respin alone.der -VAfile ca.pem 2>&1 | head -1) || true
echo "before -updatedb:    $before ($(entries before.der) entries)"
echo "rows after it:       $rows"
echo "after:               $after ($(entries after.der) entries)"
echo "the old one alone:   $status, $(entries alone.der) entries; $said"
echo "its signature:       $signature"
[ "$before" = 'old.pem: good new.pem: good gone.pem: revoked' ] || fail 'the control before -updatedb'
[ "$rows" = 'E V R' ] || fail '-updatedb wrote other rows'
[ "$after" = 'old.pem: ERROR: No Status found. new.pem: good gone.pem: revoked' ] || fail 'the answer about all three'
[ "$(entries before.der) $(entries after.der) $(entries alone.der)" = '3 2 0' ] || fail 'the number of entries'
[ "$status" = 'successful (0x0)' ] || fail 'the status of the answer about the old one'
[ "$said" = 'Response Verify Failure,response contains no revocation data' ] || fail 'what openssl says of the empty answer'
[ "$signature" = 'Response verify OK' ] || fail 'the signature of the empty answer'
echo 'As described: a signed answer without an entry.'
