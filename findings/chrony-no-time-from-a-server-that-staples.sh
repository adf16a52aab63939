#!/usr/bin/env bash
# chronyd with "nocerttimecheck" gets over an expired certificate while its clock is wrong, and stops at a staple: no time from that server.
#
# Expected: nocerttimecheck is for clocks that are not set yet: for the first updates no date in the TLS handshake counts. chronyd has no
#   option for OCSP.
# Instead: GnuTLS asks for a staple in its name, and judges it by the clock that is to be set. Where that is later than nextUpdate the
#   certificate "is NOT trusted", and the clock stays as it is. Without a staple the same server is taken.
# Versions: Debian 12: chrony 4.3-2+deb12u3, libgnutls30 3.7.9-2+deb12u7; the server is `openssl s_server -alpn ntske/1`, of which only the handshake
#   matters; libfaketime 0.9.10-2.1 is the wrong clock.
# Seen: (certificate and answer of one day)
#   "clock right, no staple: trusted", "clock right, staple: trusted", "clock 3 days fast, no staple: trusted", "clock 3 days fast, staple: The
#   revocation or OCSP data are old and have been superseded", "clock 3 days slow, staple: trusted".
#   ("trusted" is the message after it, that what openssl then sends is no answer.)
# Why it matters: a proxy that staples on its own before a time server takes the time from those that need it most. Turn stapling off there.
# Clause: RFC 8915, 8.5 (initial verification of server certificates): a client may have to go on without dates at first.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download chrony=4.3-2+deb12u3 libgnutls30=3.7.9-2+deb12u7 libfaketime=0.9.10-2.1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/$(uname -m)-linux-gnu

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 1 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 1 -extfile <(echo subjectAltName=DNS:localhost) -out site.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner ca.pem -rkey ca.key -no_nonce -noverify -ndays 1 \
  -respout staple.der >/dev/null 2>&1
openssl ocsp -respin staple.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed 'openssl does not take the answer'; }

mkfifo talk
exec 3<>talk
# try NAME CLOCK EXPECTED OPTIONS-OF-THE-SERVER...
try() {
  local server port chronyd said
  : >server.txt
  : >chrony.txt
  # (What the server says after the handshake: the end of a message that has nothing in it.)
  printf '\x80\x00\x00\x00' >&3
  timeout 40 openssl s_server -accept 127.0.0.1:0 -cert site.pem -key site.key -alpn ntske/1 "${@:4}" <&3 >server.txt 2>&1 &
  server=$!
  pids=("$server")
  timeout 10 bash -c 'until grep -q ^ACCEPT server.txt; do sleep 0.1; done' || changed 'openssl s_server does not listen'
  port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' server.txt)
  # (Nothing is listened on, and the clock is left alone: -x.)
  printf '%s\n' "server localhost nts ntsport $port iburst" "ntstrustedcerts $dir/ca.pem" 'nocerttimecheck 1' 'port 0' 'cmdport 0' \
    'bindcmdaddress /' "pidfile $dir/chronyd.pid" >chrony.conf
  LD_LIBRARY_PATH=$libraries LD_PRELOAD=$libraries/faketime/libfaketime.so.1 FAKETIME=$2 timeout 30 root/usr/sbin/chronyd -4 -x -U \
    -u "$(id -un)" -d -F 0 -f "$dir/chrony.conf" >chrony.txt 2>&1 &
  chronyd=$!
  pids+=("$chronyd")
  timeout 15 bash -c 'until grep -qE "invalid NTS-KE response|TLS handshake with .* failed" chrony.txt; do sleep 0.1; done' ||
    { cat chrony.txt; changed "$1: chronyd does not connect"; }
  kill "$chronyd" "$server"
  wait "$chronyd" "$server" 2>/dev/null || true
  pids=()
  said=$(sed -n 's/.*invalid NTS-KE response.*/trusted/p; s/.*The certificate is NOT trusted. \([^.]*\)\..*/\1/p' chrony.txt | head -1)
  echo "$1: $said"
  [ "$said" = "$3" ] || { cat chrony.txt; changed "$1: expected: $3"; }
}
try 'clock right, no staple' +0s trusted
try 'clock right, staple' +0s trusted -status_file staple.der
try 'clock 3 days fast, no staple' +3d trusted
try 'clock 3 days fast, staple' +3d 'The revocation or OCSP data are old and have been superseded' -status_file staple.der
try 'clock 3 days slow, staple' -3d trusted -status_file staple.der
echo 'as described: a staple, and no time'
