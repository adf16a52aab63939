#!/usr/bin/env bash
# HAProxy staples an answer until five minutes before its nextUpdate, and takes one with less to run without a word.
#
# Expected: a staple file that is valid now is stapled until its nextUpdate; one that will not be used is reported at the start, as HAProxy
#   does for a file that it cannot use (no nextUpdate, another CertID, "unknown").
# Instead: an answer whose nextUpdate is four minutes away is loaded with no warning (`haproxy -c` is content as well), and no handshake gets
#   it. With six minutes to go it is stapled, and a running HAProxy stops when the five minutes begin.
# Versions: haproxy 2.6.12-1+deb12u4 (Debian 12), asked by `openssl s_client -status`.
# Seen: "6 minutes left: warning: none, stapled: good", "4 minutes left: warning: none, stapled: none",
#   "5 minutes and 15 seconds left: warning: none, stapled: good, then none".
# Why it matters: a signer that renews less than five minutes before nextUpdate leaves HAProxy bare at the end of every period, and answers
#   that live for five minutes or less are never stapled. HAProxy prints nothing. Clients that insist on a staple (RFC 7633) then fail.
# Clause: RFC 6960, 2.4 and 4.2.2.1: nextUpdate is "the time at or before which newer information will be available"; RFC 6066, 8.
set -euo pipefail
dir=$(mktemp -d)
pid=
end() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libpcre2-8-0=10.42-1+deb12u2 \
  libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4 libfaketime=0.9.10-2.1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
export LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu
haproxy=$dir/root/usr/sbin/haproxy

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
new_key ca.key
openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
new_key site.key
openssl req -new -key site.key -out site.csr -subj /CN=localhost
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 1 -out site.crt 2>/dev/null
cat site.crt ca.pem site.key > site.pem
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' > index.txt

port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
cat > haproxy.cfg <<CFG
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen site
  bind 127.0.0.1:$port ssl crt $dir/site.pem
  server none 127.0.0.1:1
CFG

ask() {
  timeout 10 openssl s_client -connect "127.0.0.1:$port" -status </dev/null >tls.txt 2>&1 || true
  grep -q 'BEGIN CERTIFICATE' tls.txt || changed "no handshake"
  if grep -q 'Cert Status: good' tls.txt; then seen=good
  elif grep -q 'OCSP response: no response sent' tls.txt; then seen=none
  else seen=other; fi
}

clock=(A=a)
# try NAME EXPECTED-WARNING EXPECTED-STAPLE OCSP-OPTIONS... (with later=N: also what is stapled N seconds on)
try() {
  local name=$1 warning=$2 staple=$3 seen said first
  shift 3
  env "${clock[@]}" openssl ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index index.txt -noverify "$@" \
    -respout site.pem.ocsp >/dev/null
  timeout 10 "$haproxy" -c -f haproxy.cfg >check.txt 2>&1 || changed "haproxy -c fails: $(tail -1 check.txt)"
  timeout 40 "$haproxy" -db -f haproxy.cfg >log.txt 2>&1 &
  pid=$!
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed "haproxy does not listen"
  ask
  if [ -n "${later:-}" ]; then first=$seen; sleep "$later"; ask; seen="$first, then $seen"; fi
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  pid=
  said=none
  if grep -qi 'ocsp' check.txt log.txt; then said=yes; fi
  echo "$name: warning: $said, stapled: $seen"
  [ "$said" = "$warning" ] && [ "$seen" = "$staple" ] || changed "$name: expected warning: $warning, stapled: $staple"
}

try '6 minutes left' none good -nmin 6
try '4 minutes left' none none -nmin 4
try 'no nextUpdate (control: this is reported)' yes none
# an answer that was signed by a clock 15 seconds ahead: five minutes and 15 seconds are left, so the last five minutes begin here
clock=(LD_PRELOAD="$LD_LIBRARY_PATH/faketime/libfaketime.so.1" FAKETIME=+15s)
later=17
try '5 minutes and 15 seconds left' none 'good, then none' -nmin 5
echo 'as described: no staple in the last five minutes, and no warning'
