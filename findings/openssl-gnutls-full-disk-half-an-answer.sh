#!/usr/bin/env bash
# `openssl ocsp -respout` and `ocsptool --outfile` leave half an answer where the disk is full, say "good", and end with 0.
#
# Expected: who cannot write the file says so and ends with another code, as `openssl x509 -text -out` and cp do; best, the file that was there
#   stays as it was.
# Instead: both have emptied the old file by then, do not look at what writing and closing the new one came to, and report success.
# Versions: Debian 12: openssl and libssl3 3.0.22-1~deb12u2, gnutls-bin and libgnutls30 3.7.9-2+deb12u7.
# Seen: (a file may have 1,024 bytes here, as a disk has that is nearly full; the answer has some 200 more)
#   "openssl asks: leaf.pem: good, exit 0, 1024 bytes, cannot be read"
#   "openssl answers: exit 0, 1024 bytes, cannot be read"
#   "ocsptool asks: exit 0, 1024 bytes, cannot be read"
#   "to /dev/full: openssl exit 0, ocsptool exit 0"
# Why it matters: the files are for servers that staple (nginx ssl_stapling_file, haproxy .ocsp, stunnel, lighttpd). A cron job that has checked
#   the exit code moves half an answer to them, with which some of them do not start. Read the file again before it is used, from another place.
# Clause: none of OCSP; POSIX write(2) and fclose(3), whose errors are not looked at.
set -euo pipefail
dir=$(mktemp -d); trap 'kill "${responder:-}" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
openssl='3.0.22-1~deb12u2' gnutls='3.7.9-2+deb12u7'
timeout 120 apt-get -qq -o APT::Sandbox::User=root download "openssl=$openssl" "libssl3=$openssl" "gnutls-bin=$gnutls" \
  "libgnutls30=$gnutls" "libgnutls-dane0=$gnutls" libunbound8=1.17.1-2+deb12u4 libevent-2.1-7=2.1.12-stable-8 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
lib=$dir/root/usr/lib/$(uname -m)-linux-gnu
run() { LC_ALL=C LD_LIBRARY_PATH=$lib timeout 20 "$dir/root/usr/bin/$@"; }

{
  run openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30
  run openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  run openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 20 -out leaf.pem
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' >index.txt
  run openssl ocsp -issuer ca.pem -cert leaf.pem -no_nonce -reqout request.der
} >log 2>&1 || { cat log; exit 1; }
LC_ALL=C LD_LIBRARY_PATH=$lib "$dir/root/usr/bin/openssl" ocsp -port 0 -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key \
  -ndays 1 >port 2>&1 &
responder=$!
port=''
for _ in {1..50}; do
  port=$(ss -Hltnp | sed -n "s/.*:\([0-9]*\) .*pid=$responder,.*/\1/p" | head -n 1)
  [ -n "$port" ] && break
  sleep 0.1
done
[ -n "$port" ] || { echo 'the responder does not listen'; cat port; exit 1; }
url=http://127.0.0.1:$port

# Writing beyond 1,024 bytes fails; the signal that comes with it is not what a full disk sends.
small() { (trap '' XFSZ; ulimit -f 1; "$@"); }
state() {
  local read='can be read'
  run openssl ocsp -respin "$1" -noverify >/dev/null 2>&1 || read='cannot be read'
  echo "$(stat -c %s "$1") bytes, $read"
}
ask=(openssl ocsp -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem -url "$url")
answer=(openssl ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin request.der -ndays 1)
tool=(ocsptool "--ask=$url" --load-issuer ca.pem --load-cert leaf.pem --outfile)
run "${ask[@]}" -respout whole.der >/dev/null 2>&1
seen=$(
  [ "$(state whole.der)" = "$(stat -c %s whole.der) bytes, can be read" ] && [ "$(stat -c %s whole.der)" -gt 1024 ] || echo 'no answer to begin with'
  cp whole.der one.der; cp whole.der two.der; cp whole.der three.der
  code=0; good=$(small run "${ask[@]}" -respout one.der 2>/dev/null) || code=$?
  echo "openssl asks: $(head -n 1 <<<"$good"), exit $code, $(state one.der)"
  code=0; small run "${answer[@]}" -respout two.der >/dev/null 2>&1 || code=$?
  echo "openssl answers: exit $code, $(state two.der)"
  code=0; small run "${tool[@]}" three.der >/dev/null 2>&1 || code=$?
  echo "ocsptool asks: exit $code, $(state three.der)"
  code=0; run "${ask[@]}" -respout /dev/full >/dev/null 2>&1 || code=$?
  other=0; run "${tool[@]}" /dev/full >/dev/null 2>&1 || other=$?
  echo "to /dev/full: openssl exit $code, ocsptool exit $other"
)
expected='openssl asks: leaf.pem: good, exit 0, 1024 bytes, cannot be read
openssl answers: exit 0, 1024 bytes, cannot be read
ocsptool asks: exit 0, 1024 bytes, cannot be read
to /dev/full: openssl exit 0, ocsptool exit 0'
echo "$seen"
[ "$seen" = "$expected" ] || { echo 'CHANGED: not as the header says'; exit 1; }
echo 'as described'
