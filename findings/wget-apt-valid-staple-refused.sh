#!/usr/bin/env bash
# wget and apt (GnuTLS): programs that have no option for OCSP refuse a server because of a valid staple.
#
# Expected: programs that neither ask for OCSP checks nor have a switch for them ignore the staple, as curl does without
#           --cert-status; at most a staple "revoked" would matter to them.
# Instead:  GnuTLS asks every server for a staple and judges it, for every program on it. Refused are, among others:
#           - an answer "good" without nextUpdate, from the 16th day on (14 days: taken);
#           - an answer "good" for two certificates whose second entry is that of the server.
#           No staple at all, "unknown" and tryLater are fine.
# Versions: Debian wget 1.21.3-1+deb12u1, apt 2.6.2, libgnutls30 3.7.9-2+deb12u7. The answers are made under
#           libfaketime 0.9.10-2.1.
# Seen:     wget: "The certificate of 'localhost' is not trusted." and nothing about OCSP. apt: "The revocation or OCSP data
#           are old and have been superseded." and "The received OCSP status response is invalid."
# Matters:  `openssl ocsp` writes no nextUpdate unless told to. A file that it made for `ssl_stapling_file` works for two
#           weeks; then mirrors and downloads fail for apt, wget (and what else uses GnuTLS) and curl sees nothing wrong. Sign with
#           nextUpdate, one certificate in each answer. RFC 6960, 4.2.2.1: without nextUpdate, newer information is
#           available all the time; it sets no age. RFC 6066, 8, leaves the judging to the client.
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 apt-get -qq -o APT::Sandbox::User=root download wget=1.21.3-1+deb12u1 apt=2.6.2 libapt-pkg6.0=2.6.2 \
  libgnutls30=3.7.9-2+deb12u7 libpsl5=0.21.2-1 libfaketime=0.9.10-2.1
for package in ./*.deb; do dpkg -x "$package" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu"
fail() { echo "CHANGED: $1"; exit 1; }
past() { LD_PRELOAD="$libraries/faketime/libfaketime.so.1" FAKETIME="-$1d" timeout 20 "${@:2}"; }

printf 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhi\n' >page
echo 'subjectAltName=DNS:localhost' >extensions
curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
# shellcheck disable=SC2086
{
  past 40 openssl req -x509 $curve -keyout ca.key -out ca.pem -subj /CN=ca -days 400
  openssl req $curve -keyout key.pem -out csr.pem -subj /CN=localhost
  past 40 openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 90 -extfile extensions -out site.pem
} 2>/dev/null
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=localhost\nV\t301231235959Z\t\t1A2C\tunknown\t/CN=other\n' >good.txt
printf 'V\t301231235959Z\t\t1A2C\tunknown\t/CN=other\n' >unknown.txt

# staple NAME DAYS INDEX [OPTION ...]: an answer made so many days ago.
staple() {
  past "$2" openssl ocsp -index "$3" -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem "${@:4}" -cert site.pem \
    -no_nonce -respout "$1.der" >/dev/null 2>&1
  openssl ocsp -respin "$1.der" -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >valid.txt 2>&1
  grep -q 'Response verify OK' valid.txt && ! grep -q 'times invalid' valid.txt || fail "openssl does not take the answer $1"
}
staple fresh 0 good.txt -ndays 4
staple long 30 good.txt -ndays 60
staple days14 14 good.txt
staple days16 16 good.txt
staple second 0 good.txt -ndays 4 -serial 0x1A2C
staple unknown 0 unknown.txt -ndays 4
printf '\x30\x03\x0a\x01\x03' >trylater.der

# visit NAME WGET [APT]: both programs fetch a page from a server with that staple; what they say has to be this.
visit() {
  local option=(-status_file "$1.der") port
  [ "$1" != none ] || option=()
  : >server.txt
  timeout 20 openssl s_server -accept 127.0.0.1:0 -cert site.pem -key key.pem -cert_chain ca.pem "${option[@]}" -HTTP >server.txt 2>&1 &
  server=$!
  for _ in $(seq 100); do grep -q ^ACCEPT server.txt && break; sleep 0.1; done
  port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' server.txt)
  wget=$(LC_ALL=C LD_LIBRARY_PATH=$libraries timeout 10 "$dir/root/usr/bin/wget" --no-config -nv -t 1 -O /dev/null \
    --ca-certificate=ca.pem "https://localhost:$port/page" 2>&1 | sed -n 's/^ERROR: //p; s/.* URL:.*/fetched/p' | head -1) || true
  apt=$(LC_ALL=C LD_LIBRARY_PATH=$libraries timeout 10 "$dir/root/usr/lib/apt/apt-helper" -o Acquire::https::CAInfo="$dir/ca.pem" \
    -o Dir::Bin::Methods="$dir/root/usr/lib/apt/methods" -o Acquire::https::Proxy=DIRECT -o Acquire::Retries=0 -o APT::Sandbox::User=root \
    download-file "https://localhost:$port/page" "$dir/fetched" 2>&1 | sed -n 's/^E: Failed.*NOT trusted. \([^.]*\.\).*/\1/p; s/^Fetched .*/fetched/p' | head -1) || true
  kill "$server"; wait "$server" 2>/dev/null || true
  server=
  printf '%-9s wget: %s | apt: %s\n' "$1" "$wget" "$apt"
  [ "$wget" = "$2" ] || fail "what wget says ($1)"
  [ "$apt" = "${3:-$2}" ] || fail "what apt says ($1)"
}
for name in none fresh long days14 unknown trylater; do visit "$name" fetched; done
refused="The certificate of 'localhost' is not trusted."
visit days16 "$refused" 'The revocation or OCSP data are old and have been superseded.'
visit second "$refused" 'The received OCSP status response is invalid.'
echo 'As described: two valid staples, and no way in.'
