#!/usr/bin/env bash
# Apache with MDStapling hands out an answer for days after its nextUpdate when no new one comes, also after a restart.
#
# Expected: an answer that has ended is no longer stapled. Without a staple most clients connect.
# Instead: mod_md keeps the last answer that it had, looks at its end only to ask for the next one, and staples it on. MDStaplingKeepResponse,
#   7 days, is about what is removed from its folder. `SSLUseStapling` of the same Apache stops 300 s after the end.
# Versions: Debian 12: apache2-bin 2.4.71-1~deb12u1 (MDStapling and MDStapleOthers on), curl 7.88.1-10+deb12u15; libfaketime 0.9.10-2.1 moves the
#   clock of both. The responder gives an answer of one day, and tryLater from then on.
# Seen: "at once: staple good, curl: connects", "after 25 hours: staple good, curl: OCSP response has expired", "started anew after 2 days" and
#   "started anew after 6 days": the same, though it asks and gets tryLater; "with MDStapling off: staple none", and curl connects when it is
#   not told to insist (--cert-status). The log, level "warn", has no line about it.
# Why it matters: while the responder is away, clients that look at staples are locked out by one that is of no use, and nothing on the
#   server shows it. The responder, or a cache before it, has to be back before nextUpdate; answers that live longer leave more time for that.
# Clause: RFC 6960, 4.2.2.1: "Responses whose nextUpdate value is earlier than the local system time value SHOULD be considered unreliable."
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s log.txt ] || tail -5 log.txt; exit 1; }
# (The children of an Apache that root starts are another user's.)
chmod 755 "$dir"
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 \
  libaprutil1=1.6.3-1+deb12u1 libpcre2-8-0=10.42-1+deb12u2 libjansson4=2.14-2 curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 \
  libfaketime=0.9.10-2.1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/$(uname -m)-linux-gnu
modules=$dir/root/usr/lib/apache2/modules
moved=(LD_LIBRARY_PATH="$libraries" LD_PRELOAD="$libraries/faketime/libfaketime.so.1" FAKETIME_TIMESTAMP_FILE="$dir/clock" FAKETIME_NO_CACHE=1)

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    fs.appendFileSync('count', '.')
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
: >count
timeout 240 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
printf 'subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:%s/\n' "$(cat port)" >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site.pem 2>/dev/null
cat site.pem ca.pem >chain.pem
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner ca.pem -rkey ca.key -no_nonce -noverify -ndays 1 \
  -respout answer.der >/dev/null 2>&1
openssl ocsp -respin answer.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed 'openssl does not take the answer'; }

apache=
# start MDStapling-VALUE
start() {
  port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  {
    printf '%s\n' "ServerRoot $dir" 'ServerName localhost' "PidFile $dir/pid" "ErrorLog $dir/log.txt" 'LogLevel warn' "Mutex file:$dir default" \
      "DefaultRuntimeDir $dir" "Listen 127.0.0.1:$port" 'StartServers 1' 'User www-data' 'Group www-data'
    for name in mpm_event authz_core ssl md; do echo "LoadModule ${name}_module $modules/mod_$name.so"; done
    printf '%s\n' "MDStoreDir $dir/store" "MDStapling $1" 'MDStapleOthers on' "<VirtualHost *:$port>" 'SSLEngine on' \
      "SSLCertificateFile $dir/chain.pem" "SSLCertificateKeyFile $dir/site.key" '</VirtualHost>'
  } >apache.conf
  env "${moved[@]}" timeout 200 "$dir/root/usr/sbin/apache2" -DFOREGROUND -f "$dir/apache.conf" &
  apache=$!
  pids+=("$apache")
  timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'Apache does not listen'
}
stop() { kill "$apache"; wait "$apache" 2>/dev/null || true; unset 'pids[-1]'; }

visit() { env "${moved[@]}" timeout 15 "$dir/root/usr/bin/curl" --disable -sS -o /dev/null --cacert ca.pem "$@" "https://localhost:$port/" 2>curl.txt; }
# try NAME EXPECTED-STAPLE EXPECTED-OF-CURL [EXPECTED-QUESTION]: with the last, a question has to come first
try() {
  local staple curl
  if [ -n "${4-}" ]; then
    : >count
    timeout 20 bash -c 'until [ -s count ]; do sleep 0.1; done' || changed "$1: it asks nothing"
    # (the answer is taken by then)
    sleep 1
  fi
  # (Apache takes its first answer within moments of its start.)
  for _ in $(seq 30); do
    timeout 15 openssl s_client -connect "127.0.0.1:$port" -servername localhost -status </dev/null >tls.txt 2>&1 || true
    staple=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/none/p' tls.txt)
    [ "$staple" != "$2" ] || break
    sleep 0.2
  done
  if visit --cert-status; then curl=connects; else curl=$(sed -n 's/^curl: (91) //p' curl.txt); fi
  echo "$1: staple $staple, curl: $curl"
  [ "$staple" = "$2" ] || changed "$1: expected the staple $2"
  [ "$curl" = "$3" ] || { cat curl.txt; changed "$1: expected of curl: $3"; }
}
ended='OCSP response has expired'
echo +0 >clock
start on
try 'at once' good connects
printf '\x30\x03\x0a\x01\x03' >answer.der
echo +25h >clock
try 'after 25 hours' good "$ended"
stop
for days in 2 6; do
  echo "+${days}d" >clock
  start on
  try "started anew after $days days" good "$ended" asked
  stop
done
! grep -E '\[md:|ocsp' log.txt || changed 'the log has lines about it'
start off
try 'with MDStapling off' none 'No OCSP response received'
visit || changed 'curl does not connect without --cert-status'
echo 'as described: stapled for days after its end'
