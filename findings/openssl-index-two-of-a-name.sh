#!/usr/bin/env bash
# openssl ocsp as a responder: a renewed certificate (two valid rows of one subject) stops it, unless a file
# index.txt.attr lies beside the index.
#
# Expected: a responder looks certificates up by serial number; two valid ones for www.example are everyday.
# Instead:  without INDEX.attr it takes "unique_subject = yes" to hold, and will not start. One that runs already says one
#           line on stderr, keeps the old list, and answers from it ever after: later revocations do not arrive.
# Versions: Debian openssl 3.0.22-1~deb12u2 with libssl3 of the same version.
# Seen:     "Error creating name index:(2,0,1)" + "could not load/parse file"; in the running responder "error reloading
#           updated index", and a row that was made revoked in the same file is still answered good.
# Matters:  for who copies index.txt alone to the responder's machine, or writes it out of a database: it works until the
#           first renewal. Cure: `echo 'unique_subject = no' >index.txt.attr` beside every copy.
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
row() { printf '%s\t301231235959Z\t%s\t%s\tunknown\t%s\n' "$@"; }
# file INDEX: the answers about both certificates, asked without a server.
file() {
  openssl ocsp -index "$1" -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 \
    -issuer ca.pem -cert a.pem -cert b.pem -no_nonce -respout response.der >said.txt 2>&1 || { head -1 said.txt; return; }
  openssl ocsp -respin response.der -issuer ca.pem -cert a.pem -cert b.pem -no_nonce -CAfile ca.pem 2>/dev/null |
    grep '^[ab][.]pem' | paste -sd ' '
}
ask() {
  openssl ocsp -url "http://127.0.0.1:$port" -issuer ca.pem -cert a.pem -cert b.pem -no_nonce -CAfile ca.pem 2>/dev/null |
    grep '^[ab][.]pem' | paste -sd ' '
}

{ row V '' 1A2B /CN=www; row V '' 1A2C /CN=mail; } >apart.txt
{ row V '' 1A2B /CN=www; row V '' 1A2C /CN=www; } >same.txt
cp same.txt attr.txt
echo 'unique_subject = no' >attr.txt.attr
{ row R 261101000000Z 1A2B /CN=www; row V '' 1A2C /CN=www; } >one.txt
apart=$(file apart.txt); attr=$(file attr.txt); one=$(file one.txt); same=$(file same.txt)
echo "two names:                      $apart"
echo "one name, one of them revoked:  $one"
echo "one name, both valid:           $same"
echo "the same with .attr beside it:  $attr"

cp apart.txt index.txt
timeout 50 "$dir/root/usr/bin/openssl" ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -port 0 >server.txt 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
for _ in $(seq 100); do grep -qs waiting server.txt && break; sleep 0.1; done
port=$(sed -n 's/^ACCEPT .*:\([0-9]*\) PID=.*/\1/p' server.txt)
[ -n "$port" ] || fail "the responder did not start: $(head -1 server.txt)"
before=$(ask)
sleep 1.5
# B is revoked; WWW is renewed by a third certificate.
{ row V '' 1A2B /CN=www; row R 261101000000Z 1A2C /CN=mail; row V '' 1A2D /CN=www; } >new.txt
mv new.txt index.txt
ask >first.txt # this one is answered before the file is looked at
ask >second.txt
after=$(ask)
sleep 1.5
{ row V '' 1A2B /CN=www; row R 261101000000Z 1A2C /CN=mail; row V '' 1A2D /CN=www2; } >new.txt
mv new.txt index.txt
ask >first.txt
ask >second.txt
cured=$(ask)
echo "running, before:                $before"
echo "B revoked, WWW renewed:         $after"
echo "its log:                        $(grep -m1 reloading server.txt || true)"
echo "the same with another name:     $cured"
[ "$apart" = 'a.pem: good b.pem: good' ] || fail 'the control is not answered good'
[ "$one" = 'a.pem: revoked b.pem: good' ] || fail 'a revoked and a valid row of one name are not taken'
[ "$attr" = "$apart" ] || fail 'unique_subject = no does not help'
[[ $same == 'Error creating name index:'* ]] || fail 'two valid rows of one name are taken without .attr'
grep -q 'Problem with index file: same.txt' said.txt || fail 'the message is another'
[ "$before" = "$apart" ] || fail 'the running responder does not answer good'
[ "$after" = "$before" ] || fail "the running responder took the list with two of a name: $after"
grep -q 'error reloading updated index: index.txt' server.txt || fail 'the running responder does not say that it could not reload'
[ "$cured" = 'a.pem: good b.pem: revoked' ] || fail 'the control of the reload does not read revoked'
echo 'As described: two valid rows of one name stop the responder, or freeze it.'
