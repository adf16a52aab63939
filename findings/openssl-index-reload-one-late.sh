#!/usr/bin/env bash
# openssl ocsp as a responder: the first request after a change of the index is still answered from the old list.
#
# Expected: the responder reads a changed index again before it answers (it does look at the file's time).
# Instead:  it looks at the file before it waits for a request. The request that then comes in, be it seconds or days
#           after the change, gets the old status with a fresh thisUpdate and nextUpdate. Only the next one is right.
# Versions: Debian openssl 3.0.22-1~deb12u2 with libssl3 of the same version.
# Seen:     good; the row is made "revoked"; three seconds later: good, then revoked, revoked.
# Matters:  whoever fetches one answer for each certificate (a stapling server, a cache, a CDN in front, a pre-fetching
#           job) gets that one "good" with a nextUpdate days ahead and keeps it. Tests of a revocation that ask once
#           fail, those that ask twice pass. Cure: after each change ask once and throw the answer away.
#           RFC 6960, 2.4: thisUpdate is the time at which the status is known to be correct.
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
rows() { printf '%s\t301231235959Z\t%s\t1A2B\tunknown\t/CN=a\n' "$1" "$2" >new.txt && mv new.txt index.txt; }
ask() {
  openssl ocsp -url "http://127.0.0.1:$port" -issuer ca.pem -cert a.pem -no_nonce -CAfile ca.pem -respout response.der 2>client.txt |
    sed -n 's/^a[.]pem: //p'
}
# seconds FIELD: the time in the last response, in seconds.
seconds() { date -d "$(openssl ocsp -respin response.der -noverify -resp_text | sed -n "s/^ *$1: //p" | head -1)" +%s; }

rows V ''
timeout 50 "$dir/root/usr/bin/openssl" ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 4 -port 0 >server.txt 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
for _ in $(seq 100); do grep -qs waiting server.txt && break; sleep 0.1; done
port=$(sed -n 's/^ACCEPT .*:\([0-9]*\) PID=.*/\1/p' server.txt)
[ -n "$port" ] || fail "the responder did not start: $(head -1 server.txt)"

before="$(ask) $(ask)"
sleep 1.5
rows R '261101000000Z,keyCompromise'
changed=$(date +%s)
sleep 3
first=$(ask)
this=$(seconds 'This Update')
next=$(seconds 'Next Update')
later="$(ask) $(ask)"
echo "before the change:         $before"
echo "first request after it:    $first (thisUpdate $((this - changed)) s after the change, valid for $(((next - this) / 86400)) days)"
echo "the two after that:        $later"
# Once more the other way, to see that it is not the reason or the status.
sleep 1.5
rows V ''
sleep 1.5
back="$(ask) $(ask)"
echo "made valid again:          $back"
[ "$before" = 'good good' ] || fail 'the control is not answered good'
[ "$later" = 'revoked revoked' ] || fail 'the change is not taken up by the second request'
[ "$first" = good ] || fail "the first request after the change is answered $first"
[ $((this - changed)) -ge 2 ] || fail 'thisUpdate is not the time of the request'
[ "$(((next - this) / 86400))" = 4 ] || fail 'nextUpdate is not four days later'
[ "$back" = 'revoked good' ] || fail 'the change back is not one request late'
echo 'As described: the first answer after a change is that of the old list.'
