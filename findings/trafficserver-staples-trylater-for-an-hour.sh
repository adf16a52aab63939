#!/usr/bin/env bash
# Traffic Server keeps a tryLater for an hour and staples it, though the responder is back after a second.
#
# Expected: tryLater is no answer: nothing is stapled, and the responder is asked again soon, as it is when nobody listens there.
# Instead: Traffic Server logs an error, puts the five octets into its cache like a good answer, and hands them to every client that
#   asks for the status. It asks again when proxy.config.ssl.ocsp.cache_timeout is over: an hour by default, in spite of
#   update_period, 60 s. When the responder is down altogether, it asks again after those 60 s.
# Versions: Debian 12: trafficserver 9.2.5+ds-0+deb12u4 (it calls itself 9.2.9), proxy.config.ssl.ocsp.enabled 1 and its other settings of OCSP as
#   they are, the clock moved by libfaketime 0.9.10-2.1; asked by `openssl s_client -status` and curl 7.88.1-10+deb12u15 --cert-status.
# Seen: tryLater once at the start, then a responder that says good: "0 minutes: staple trylater, curl 91, questions 1", "59 minutes: staple
#   trylater, curl 91, questions 1", "61 minutes: staple good, curl 0, questions 2". Nobody listens at the start, then a responder that says
#   good: "0 minutes: staple none, curl 91, questions 0", "2 minutes: staple good, curl 0, questions 1".
# Why it matters: a responder that says tryLater for one moment, while it loads its data, takes the staple away for an hour; a closed
#   port costs a minute. A responder for Traffic Server opens its port when it can answer; or set cache_timeout to minutes.
# Clause: RFC 6960, 2.3: tryLater: the service exists, but is temporarily unable to respond; RFC 6066, 8: a server may return a
#   "suitable certificate status response".
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s log/diags.log ] || tail -5 log/diags.log; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download trafficserver=9.2.5+ds-0+deb12u4 libhwloc15=2.9.0-1 libpcre3=2:8.39-15 \
  libyaml-cpp0.7=0.7.0+dfsg-8+b1 libfaketime=0.9.10-2.1 \
  curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 || { echo 'the packages cannot be fetched'; exit 1; }
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

# look NAME MINUTES EXPECTED: what is stapled, what curl says, and how often the responder was asked, so many minutes after the start
look() {
  local staple curl seen
  echo "+$2m" >clock
  for _ in 1 2 3 4; do
    [ "$2" = 0 ] || sleep 3
    curl=0
    timeout 15 openssl s_client -connect "127.0.0.1:$port" -servername localhost -status </dev/null >tls.txt 2>&1 || true
    staple=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/none/p; s/.*Response Status: \(trylater\).*/\1/p' tls.txt)
    LD_LIBRARY_PATH=$libraries timeout 15 root/usr/bin/curl -s --cacert ca.pem --cert-status -o page.txt "https://localhost:$port/" || curl=$?
    seen="staple $staple, curl $curl, questions $(wc -c <count)"
    # (a machine under load takes longer)
    [ "$seen" != "$3" ] || break
  done
  echo "$1, $2 minutes: $seen"
  [ "$seen" = "$3" ] || changed "$1, $2 minutes: expected $3"
}
printf '\x30\x03\x0a\x01\x03' >answer.der
answers
start
answer good -ndays 1
look tryLater 0 'staple trylater, curl 91, questions 1'
look tryLater 59 'staple trylater, curl 91, questions 1'
look tryLater 61 'staple good, curl 0, questions 2'
stop "$server"
stop "$responder"
start
answers
look 'nobody there' 0 'staple none, curl 91, questions 0'
look 'nobody there' 2 'staple good, curl 0, questions 1'
stop "$server"
echo 'as described: tryLater lasts an hour'
