#!/usr/bin/env bash
# Traffic Server staples an answer for an hour, whatever nextUpdate says: one of 5 minutes is handed out for 55 minutes after its end.
#
# Expected: an answer is stapled until nextUpdate at most, and a new one is fetched before.
# Instead: the time in the cache is proxy.config.ssl.ocsp.cache_timeout, an hour by default, from the moment when the answer came. nextUpdate
#   has no part in it, in either direction: one of a day is dropped after an hour, too, when the responder is away at that moment.
# Versions: Debian 12: trafficserver 9.2.5+ds-0+deb12u4 (it calls itself 9.2.9), proxy.config.ssl.ocsp.enabled 1 and its other settings of OCSP as
#   they are, the clock moved by libfaketime 0.9.10-2.1; asked by `openssl s_client -status`, which shows nextUpdate.
# Seen: with an answer of 5 minutes at the start, and "revoked" from then on: "0 minutes: staple good, nextUpdate 5 minutes ahead, questions 1",
#   "59 minutes: staple good, nextUpdate 54 minutes ago, questions 1", "61 minutes: staple revoked, nextUpdate 1379 minutes ahead, questions 2", then
#   with no responder "123 minutes: staple none".
# Why it matters: with answers that live shorter than an hour, clients that check the dates refuse the site. For Traffic Server sign
#   for hours at least, and renew when more than an hour is left (an answer from a store has its end nearer); or set cache_timeout to less.
# Clause: RFC 6960, 4.2.2.1: responses whose nextUpdate is earlier than the local time SHOULD be considered unreliable.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s log/diags.log ] || tail -5 log/diags.log; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download trafficserver=9.2.5+ds-0+deb12u4 libhwloc15=2.9.0-1 libpcre3=2:8.39-15 \
  libyaml-cpp0.7=0.7.0+dfsg-8+b1 libfaketime=0.9.10-2.1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu:$dir/root/lib/$(uname -m)-linux-gnu:$dir/root/usr/lib/trafficserver"

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    fs.appendFileSync('count', '.')
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1')
JS
free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
# listens PORT
listens() { timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null; do sleep 0.1; done" || changed "nobody listens at $1"; }
asked=$(free_port)
answers() { timeout 120 node responder.js "$asked" & responder=$!; pids+=("$responder"); listens "$asked"; }
# stop PID
stop() {
  local pid left=()
  for pid in "${pids[@]}"; do [ "$pid" = "$1" ] || left+=("$pid"); done
  pids=("${left[@]}")
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
printf 'subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:%s/\n' "$asked" >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site.pem 2>/dev/null
cat site.pem ca.pem >chain.pem
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >good.txt
printf 'R\t491231235959Z\t%s,superseded\t1A2B\tunknown\t/CN=localhost\n' "$(date -u +%y%m%d000000Z)" >revoked.txt
# answer STATUS OPTIONS...: what the responder says from now on
answer() {
  openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index "$1.txt" -rsigner ca.pem -rkey ca.key -no_nonce -noverify "${@:2}" \
    -respout answer.der >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q "^site.pem: $1" check.txt || { cat check.txt; changed "openssl does not take the answer $1"; }
}

# start: Traffic Server with its defaults, at the time of now
start() {
  local place
  rm -rf etc log run cache
  mkdir etc log run cache
  port=$(free_port)
  for place in prefix exec_prefix includedir localstatedir; do echo "$place: $dir"; done >runroot.yaml
  for place in bindir sbindir; do echo "$place: $dir/root/usr/bin"; done >>runroot.yaml
  printf '%s\n' "sysconfdir: $dir/etc" "datadir: $dir/cache" "cachedir: $dir/cache" "runtimedir: $dir/run" "logdir: $dir/log" \
    "libdir: $dir/root/usr/lib/trafficserver" "libexecdir: $dir/root/usr/lib/trafficserver/modules" >>runroot.yaml
  printf 'CONFIG proxy.config.%s\n' "http.server_ports STRING $port:ssl:ip-in=127.0.0.1" "ssl.server.cert.path STRING $dir" \
    "ssl.server.private_key.path STRING $dir" 'ssl.ocsp.enabled INT 1' 'admin.user_id STRING #-1' 'crash_log_helper STRING' \
    "body_factory.template_sets_dir STRING $dir/root/etc/trafficserver/body_factory" >etc/records.config
  cp root/etc/trafficserver/ip_allow.yaml etc
  echo 'dest_ip=* ssl_cert_name=chain.pem ssl_key_name=site.key' >etc/ssl_multicert.config
  echo "$dir/cache 16M" >etc/storage.config
  echo +0 >clock
  : >count
  # (the shell sets LD_PRELOAD for the server only: timeout keeps the real clock)
  LD_LIBRARY_PATH=$libraries FAKETIME_TIMESTAMP_FILE=$dir/clock FAKETIME_NO_CACHE=1 timeout 80 env \
    LD_PRELOAD="$dir/root/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1" \
    root/usr/bin/traffic_server --run-root="$dir/runroot.yaml" >out.txt 2>&1 & server=$!
  pids+=("$server")
  listens "$port"
  timeout 15 bash -c 'until grep -q "OCSP refresh finished" log/diags.log; do sleep 0.1; done' || changed 'no refresh at the start'
}

# look MINUTES EXPECTED: what is stapled, and how often the responder was asked, so many minutes after the start
look() {
  local staple next left seen
  echo "+$1m" >clock
  for _ in 1 2 3 4; do
    [ "$1" = 0 ] || sleep 3
    timeout 15 openssl s_client -connect "127.0.0.1:$port" -servername localhost -status </dev/null >tls.txt 2>&1 || true
    staple=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/none/p' tls.txt)
    next=$(sed -n 's/.*Next Update: //p' tls.txt)
    seen="staple $staple"
    if [ -n "$next" ]; then
      # (50 seconds for the time that the run itself takes)
      left=$((($(date -d "$next" +%s) - $(date +%s) + 50) / 60 - $1))
      if [ $left -lt 0 ]; then seen+=", nextUpdate $((-left)) minutes ago"; else seen+=", nextUpdate $left minutes ahead"; fi
      seen+=", questions $(wc -c <count)"
    fi
    # (a machine under load takes longer)
    [ "$seen" != "$2" ] || break
  done
  echo "$1 minutes: $seen"
  [ "$seen" = "$2" ] || changed "$1 minutes: expected $2"
}
answer good -nmin 5
answers
start
answer revoked -nmin 1440
look 0 'staple good, nextUpdate 5 minutes ahead, questions 1'
look 59 'staple good, nextUpdate 54 minutes ago, questions 1'
look 61 'staple revoked, nextUpdate 1379 minutes ahead, questions 2'
stop "$responder"
look 123 'staple none'
stop "$server"
echo 'as described: the hour counts, not nextUpdate'
