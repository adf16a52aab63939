#!/usr/bin/env bash
# dnsdist does not start when a file of ocspResponses says "revoked"; when it runs already, it keeps the old "good" answer, and the old certificate.
#
# Expected: an answer that dnsdist cannot use is left out or handed out as it is: TLS works without a staple, too. A DNS service does not
#   depend on it.
# Instead: one such file ends the start with "Fatal error", also for plain DNS on port 53. "Such" is revoked, unknown, ended more than 5 minutes
#   ago, without nextUpdate, and one about two certificates. reloadAllCertificates() with one logs an error and changes nothing: the old
#   answer "good" is stapled on, and a renewed certificate beside it is not taken. What has ended less than 5 minutes ago is stapled.
# Versions: Debian 12: dnsdist 1.7.3-2, provider "openssl", asked by `openssl s_client -status`; libfaketime 0.9.10-2.1 signs in the past.
# Seen: start with "good: good, serial 1A2B", "ended 2 minutes ago: good, serial 1A2B", "revoked: no start", "unknown: no start", "ended an hour
#   ago: no start", "no nextUpdate: no start", "about two certificates: no start"; reload, after a start with good: "revoked: good, serial 1A2B",
#   "renewed certificate, its answer without nextUpdate: good, serial 1A2B", "renewed certificate, good: good, serial 1A2C".
# Why it matters: the answer "revoked" is taken at the next restart, perhaps months later, by an outage of all DNS; until then the old "good" is
#   shown. A script that fetches answers puts only good ones, about one certificate, with a nextUpdate, into place, and takes the
#   file out of the configuration before it ends.
# Clause: RFC 6066, 8: a server "MAY return" the status; RFC 6960, 4.2.1: nextUpdate is OPTIONAL, and responses are a SEQUENCE.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s log.txt ] || tail -5 log.txt; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download dnsdist=1.7.3-2 libcdb1=0.78+b1 libfstrm0=0.6.1-1 libwslay1=1.1.1-3+b1 \
  libh2o-evloop0.13=2.2.5+dfsg2-7 liblmdb0=0.9.24-1 libluajit-5.1-2=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 libre2-9=20220601+dfsg-1+b1 \
  libwrap0=7.6.q-32 libsnmp40=5.9.3+dfsg-2+deb12u1 libsodium23=1.0.18-1+deb12u1 libedit2=3.1-20221030-2 libfaketime=0.9.10-2.1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu:$dir/root/lib/$(uname -m)-linux-gnu"
faketime=$dir/root/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
for serial in 1A2B 1A2C; do
  openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial "0x$serial" -days 20 -out "$serial.pem" 2>/dev/null
done
printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=%s\n' 1A2B one 1A2C two >good.txt
printf 'R\t491231235959Z\t%s,superseded\t1A2B\tunknown\t/CN=one\n' "$(date -u +%y%m%d000000Z)" >revoked.txt
printf 'V\t491231235959Z\t\t1111\tunknown\t/CN=other\n' >unknown.txt
# answer FILE INDEX OPTIONS...: a new answer; `openssl ocsp` says the same of it
answer() {
  local certificates=()
  [ -z "${both:-}" ] || certificates=(-cert 1A2C.pem)
  ${past:+env LD_PRELOAD="$faketime" FAKETIME="-$past"} openssl ocsp -CA ca.pem -issuer ca.pem -cert "${site:-1A2B}.pem" "${certificates[@]}" \
    -index "$2.txt" -rsigner ca.pem -rkey ca.key -no_nonce -noverify "${@:3}" -respout "$1.der" >/dev/null 2>&1
  openssl ocsp -respin "$1.der" -issuer ca.pem -cert "${site:-1A2B}.pem" -no_nonce -CAfile ca.pem -validity_period 7200 >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q "^${site:-1A2B}.pem: $2" check.txt || { cat check.txt; changed "openssl does not take $1"; }
}
answer good good -ndays 1
answer revoked revoked -ndays 1
answer unknown unknown -ndays 1
past=3m answer recent good -nmin 1
past=61m answer old good -nmin 1
answer endless good
both=yes answer two good -ndays 1
site=1A2C answer renewed good -ndays 1
site=1A2C answer renewed-endless good

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
# put SERIAL ANSWER: what lies in the files of dnsdist
put() { cat "$1.pem" ca.pem >chain.pem; cp "$2.der" live.der; }
start() {
  port=$(free_port)
  rm -f reload log.txt
  cat >dnsdist.conf <<CONF
setSecurityPollSuffix('')
setLocal('127.0.0.1:$(free_port)')
newServer('127.0.0.1:9')
addTLSLocal('127.0.0.1:$port', '$dir/chain.pem', '$dir/site.key', {provider = 'openssl', ocspResponses = {'$dir/live.der'}})
function maintenance()
  if io.open('$dir/reload') then
    os.remove('$dir/reload')
    reloadAllCertificates()
    infolog('the reload is done')
  end
end
CONF
  LD_LIBRARY_PATH=$libraries timeout 60 root/usr/bin/dnsdist -C dnsdist.conf --supervised --disable-syslog >>log.txt 2>&1 & dnsdist=$!
  pids+=("$dnsdist")
  timeout 15 bash -c "until grep -q 'Fatal error' log.txt || (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" ||
    changed 'dnsdist neither listens nor ends'
}
stop() { kill "$dnsdist" 2>/dev/null || true; wait "$dnsdist" 2>/dev/null || true; unset 'pids[-1]'; }
ask() {
  timeout 15 openssl s_client -connect "127.0.0.1:$port" -status </dev/null >tls.txt 2>&1 || true
  # (the certificate of the signer stands before it)
  sed '1,/^Server certificate/d' tls.txt | openssl x509 -noout -serial >serial.txt 2>/dev/null || true
  seen="$(sed -n 's/.*Cert Status: //p; s/.*no response sent/no staple/p' tls.txt), $(sed 's/serial=/serial /' serial.txt)"
}
# report NAME EXPECTED
report() { echo "$1: $seen"; [ "$seen" = "$2" ] || changed "$1: expected $2"; }
first() {
  local status=0
  put 1A2B "$2"
  start
  if grep -q 'Fatal error: Unable to load OCSP responses' log.txt; then
    wait "$dnsdist" || status=$?
    [ "$status" != 0 ] || changed "$1: dnsdist ends with 0"
    seen='no start'
  else
    ask
  fi
  stop
  report "start with $1" "$3"
}
again() {
  put "$2" "$3"
  touch reload
  timeout 15 bash -c "until [ ! -e reload ] && grep -q 'the reload is done' log.txt; do sleep 0.1; done" || changed 'no reload'
  refused=$(grep -c 'Error reloading certificates' log.txt || true)
  : >log.txt
  ask
  report "reload, $1" "$4"
  [ "$refused" = "$5" ] || changed "reload, $1: $refused errors in the log"
}
first good good 'good, serial 1A2B'
first 'ended 2 minutes ago' recent 'good, serial 1A2B'
first revoked revoked 'no start'
first unknown unknown 'no start'
first 'ended an hour ago' old 'no start'
first 'no nextUpdate' endless 'no start'
first 'about two certificates' two 'no start'
put 1A2B good
start
again revoked 1A2B revoked 'good, serial 1A2B' 1
again 'renewed certificate, its answer without nextUpdate' 1A2C renewed-endless 'good, serial 1A2B' 1
again 'renewed certificate, good' 1A2C renewed 'good, serial 1A2C' 0
stop
echo 'as described: no start, and no change at a reload'
