#!/usr/bin/env bash
# proftpd's TLSStaplingTimeout works below five seconds only: with its default of 10 a TLS handshake waits for as long as the responder takes.
#
# Expected: "the timeout for queries to OCSP responders", 10 s by default: after that the handshake goes on with the tryLater that proftpd makes.
# Instead: an alarm goes off in proftpd every 5 s. It ends the wait for the responder, and the wait then begins anew with its whole time. So 3 s
#   are 3 s, while 6 s and the default never pass. The responder is asked within the handshake, and the client waits along.
# Versions: Debian 12: proftpd-core and proftpd-mod-crypto 1.3.8+dfsg-4+deb12u5, TLSStapling on, TLSStaplingCache shm:; asked by
#   `openssl s_client -starttls ftp -status`. The responder takes its time, and then gives a good answer.
# Seen, to a second: "TLSStaplingTimeout 3, responder takes 8 s: trylater after 3 s", "TLSStaplingTimeout 6, responder takes 14 s: good after 14 s",
#   "default, responder takes 14 s: good after 14 s", "default, responder takes 22 s: good after 22 s"; a question that is answered at once
#   takes no time: "default, responder takes 0 s: good after 0 s".
# Why it matters: a responder or firewall that takes the connection and says nothing for a minute costs each FTPS client that asks for a status
#   that minute; the next limit in the documentation is TLSTimeoutHandshake, 300 s. The tryLater that a time-out makes goes into the cache,
#   and would have spared the others. Write TLSStaplingTimeout 4 or less.
# Clause: the documentation of mod_tls: TLSStaplingTimeout, "Default: 10s"; RFC 6066, 8 (a server may go on without a status).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download proftpd-core=1.3.8+dfsg-4+deb12u5 proftpd-mod-crypto=1.3.8+dfsg-4+deb12u5 \
  libhiredis0.14=0.14.1-3 libmemcached11=1.1.4-1 libmemcachedutil2=1.1.4-1 libhashkit2=1.1.4-1 libpcre2-8-0=10.42-1+deb12u2 \
  libpcre2-posix3=10.42-1+deb12u2 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => setTimeout(() => {
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  }, 1000 * Number(fs.readFileSync('seconds', 'utf8'))))
})
server.listen(0, '127.0.0.1', () => { fs.writeFileSync('new', String(server.address().port)); fs.renameSync('new', 'port') })
JS
timeout 115 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
printf 'subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:%s/\n' "$(cat port)" >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner ca.pem -rkey ca.key -no_nonce -noverify -ndays 1 \
  -respout answer.der >/dev/null 2>&1
openssl ocsp -respin answer.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed 'openssl does not take the answer'; }

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
# try DIRECTIVE SECONDS STAPLE LEAST MOST: the staple, and how long the handshake takes, with a proftpd whose cache is empty
try() {
  local port pid from took staple
  port=$(free_port)
  echo "$2" >seconds
  cat >proftpd.conf <<CONF
ServerType standalone
ServerName ftp
DefaultAddress 127.0.0.1
Port $port
UseIPv6 off
User $(id -un)
Group $(id -gn)
PidFile $dir/pid
ScoreboardFile $dir/score
SystemLog $dir/log.txt
WtmpLog off
DelayEngine off
ModulePath $dir/root/usr/lib/proftpd
LoadModule mod_tls.c
LoadModule mod_tls_shmcache.c
TLSEngine on
TLSLog $dir/tlslog.txt
TLSECCertificateFile $dir/site.pem
TLSECCertificateKeyFile $dir/site.key
TLSCACertificateFile $dir/ca.pem
TLSStapling on
TLSStaplingCache shm:/file=$dir/cache
CONF
  [ "$1" = default ] || echo "$1" >>proftpd.conf
  LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu timeout 40 root/usr/sbin/proftpd -n -q -c "$dir/proftpd.conf" >out.txt 2>&1 &
  pid=$!
  pids+=("$pid")
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || { cat out.txt; changed 'proftpd does not listen'; }
  from=$(date +%s%N)
  timeout 30 openssl s_client -connect "127.0.0.1:$port" -starttls ftp -status </dev/null >tls.txt 2>&1 || true
  took=$((($(date +%s%N) - from) / 1000000))
  staple=$(sed -n 's/.*Cert Status: //p; s/.*Response Status: trylater.*/trylater/p; s/.*no response sent/none/p' tls.txt)
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  unset 'pids[-1]'
  echo "$1, responder takes $2 s: $staple after $(((took + 300) / 1000)) s"
  [ "$staple" = "$3" ] && [ "$took" -ge "$4" ] && [ "$took" -le "$5" ] || changed "expected $3 after $4 to $5 ms"
}
try default 0 good 0 3000
try 'TLSStaplingTimeout 3' 8 trylater 2500 6000
try 'TLSStaplingTimeout 6' 14 good 13500 18000
try default 14 good 13500 18000
try default 22 good 21500 26000
echo 'as described: below five seconds only'
