#!/usr/bin/env bash
# dirmngr (the OCSP client of GnuPG): an answer older than 90 days is no good, whatever its nextUpdate says.
#
# Expected: thisUpdate 100 days ago, nextUpdate in 100 days: current, as RFC 6960, 4.2.2.1 has it, and `openssl ocsp`.
# Instead:  "Time conflict". dirmngr counts 90 days from thisUpdate and looks no further. 80 days old is taken.
#           In its log "used now" is ten minutes ahead of the clock: its allowance for clocks is added there.
# Versions: Debian dirmngr 2.2.40-1.1+deb12u2 with libksba8 1.6.3-2 and libgcrypt20 1.10.1-3+deb12u1. The answers are
#           made under libfaketime 0.9.10-2.1.
# Seen:     80 of 200 days: "certificate is valid"; 100 of 200 days: "certificate check failed: Time conflict", and
#           "OCSP responder returned a non-current status" in the log, which shows both dates.
# Matters:  an offline root signs the status of its issuing CAs once or twice a year. After three months gpgsm (S/MIME) stops
#           while programs on OpenSSL go on, and the message makes people look at clocks. Sign anew within 90 days (its
#           manual has an option ocsp-max-period, which every user would have to set).
set -euo pipefail
dir=$(mktemp -d)
daemon= server=
trap 'for pid in $daemon $server; do kill "$pid" 2>/dev/null || true; done; rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 apt-get -qq -o APT::Sandbox::User=root download dirmngr=2.2.40-1.1+deb12u2 libksba8=1.6.3-2 \
  libgcrypt20=1.10.1-3+deb12u1 libassuan0=2.5.5-5 libgpg-error0=1.46-1 libnpth0=1.6-3 libldap-2.5-0=2.5.13+dfsg-5 \
  libsasl2-2=2.1.28+dfsg-10 libfaketime=0.9.10-2.1
for package in ./*.deb; do dpkg -x "$package" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu:$dir/root/lib/$(uname -m)-linux-gnu"
export GNUPGHOME="$dir/home"
dirmngr() { LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/$1" "${@:2}"; }
fail() { echo "CHANGED: $1"; exit 1; }

cat >server.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
timeout 55 node server.js &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done

echo "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$(cat port)" >leaf.ext
echo 'extendedKeyUsage=OCSPSigning' >delegate.ext
# issue NAME SERIAL EXTENSIONS KEY...
issue() {
  openssl req "${@:4}" -nodes -keyout "$1.key" -out csr.pem -subj "/CN=$1"
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial "$2" -days 20 -extfile "$3" -out "$1.pem"
}
past() { LD_PRELOAD="$dir/root/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1" FAKETIME="-$1d" timeout 20 "${@:2}"; }
{
  past 150 openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 900
  openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  openssl req -newkey rsa:2048 -nodes -keyout delegate.key -out delegate.csr -subj /CN=delegate
  for name in leaf:0x1A2B delegate:0x11; do
    past 150 openssl x509 -req -in "${name%:*}.csr" -CA ca.pem -CAkey ca.key -set_serial "${name#*:}" -days 500 \
      -extfile "${name%:*}.ext" -out "${name%:*}.pem"
  done
} 2>/dev/null
printf 'V\t301231235959Z\t\t1A2B\tunknown\t/CN=leaf\n' >good.txt

mkdir -m 700 home
printf 'allow-ocsp\nverbose\nlog-file %s\n' "$dir/log" >home/dirmngr.conf
daemon=$(dirmngr dirmngr --daemon 2>/dev/null | sed -n 's/^DIRMNGR_INFO=[^:]*:\([0-9]*\):.*/\1/p')
[ -n "$daemon" ] || fail 'dirmngr does not start'
dirmngr dirmngr-client --cache-cert --pem ca.pem || fail "dirmngr does not take the CA's certificate"

# check DAYS VALID: an answer made DAYS ago, good for VALID days; sets said and why.
check() {
  past "$1" openssl ocsp -index good.txt -CA ca.pem -rsigner delegate.pem -rkey delegate.key -ndays "$2" \
    -issuer ca.pem -cert leaf.pem -no_nonce -respout answer.der >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem >valid.txt 2>&1
  grep -q 'Response verify OK' valid.txt && grep -q 'leaf.pem: good' valid.txt && ! grep -q 'times invalid' valid.txt ||
    fail "openssl does not take the answer ($1 of $2 days)"
  : >log
  said=$(dirmngr dirmngr-client --ocsp --pem leaf.pem 2>&1 | sed 's/^dirmngr-client: //') || true
  why=$(grep -o 'OCSP responder returned.*' log) || true
  printf '%3s of %s days: %s%s\n' "$1" "$2" "$said" "${why:+ ($why)}"
}
for days in '0 4' '0 200' '80 200'; do
  # shellcheck disable=SC2086
  check $days
  [ "$said" = 'certificate is valid' ] || fail "the control: $days"
done
for days in '100 200' '100 101'; do
  # shellcheck disable=SC2086
  check $days
  [ "$said" = 'certificate check failed: Time conflict' ] || fail "what it says of $days"
  [ "$why" = 'OCSP responder returned a non-current status' ] || fail "the log for $days"
done
ahead=$(($(date -u -d "$(sed -n 's/.*used now: \(....\)\(..\)\(..\)T\(..\)\(..\)\(..\).*/\1-\2-\3 \4:\5:\6/p' log)" +%s) - $(date +%s)))
echo "its clock is ahead by $ahead s"
[ "$ahead" -ge 580 ] && [ "$ahead" -le 600 ] || fail 'its clock is not ten minutes ahead'
echo 'As described: 90 days at most.'
