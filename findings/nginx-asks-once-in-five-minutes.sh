#!/usr/bin/env bash
# nginx asks a responder once in five minutes at most: an answer that lives for a minute is stapled for a minute, then nothing for four.
#
# Expected: when the answer that `ssl_stapling` holds has ended, the next handshake (or a timer) makes nginx ask again, within seconds.
# Instead: for 300 seconds after a question no other one is sent, whatever nextUpdate says. Handshakes after nextUpdate get no staple, and
#   nothing is logged. After a tryLater it is the same: a responder that was busy once costs five minutes without a staple.
# Versions: nginx 1.22.1-9+deb12u11 (Debian 12), asked by `openssl s_client -status`. The clock of nginx and of the signer is moved by
#   libfaketime 0.9.10-2.1. The script's answers have nextUpdate 20 seconds ahead when nginx gets them.
# Seen, with the seconds after the start, "none" being no staple and the number that of the questions so far:
#   "20 seconds to live: +0 none 1, +0 good 1, +30 none 1, +280 none 1, +310 none 2, +310 good 2"
#   "tryLater, then a day: +0 none 1, +0 none 1, +30 none 1, +280 none 1, +310 none 2, +310 good 2"
#   (the first handshake after a question never has the staple: nginx does not wait for the answer)
# Why it matters: with an issuer of answers that live for less than five minutes nginx is bare most of the time, and a certificate with
#   status_request (RFC 7633) fails then. Sign answers that live well over five minutes where nginx fetches them, or write ssl_stapling_file.
# Clause: RFC 6960, 2.3 (tryLater) and 2.4 (nextUpdate), which say nothing of a least time between two questions; RFC 6066, 8.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download nginx=1.22.1-9+deb12u11 libpcre2-8-0=10.42-1+deb12u2 \
  libfaketime=0.9.10-2.1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/x86_64-linux-gnu
faketime=$libraries/faketime/libfaketime.so.1

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
responder=$(free_port)
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
openssl ecparam -name prime256v1 -genkey -noout -out site.key
openssl req -new -key site.key -out site.csr -subj /CN=localhost
echo "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$responder/" > site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 2 -extfile site.ext -out site.crt 2>/dev/null
cat site.crt ca.pem > chain.pem
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' > index.txt

# a responder that signs each answer when it is asked: as of 40 seconds ago for a minute (short), or for a day after one tryLater (busy)
cat > responder.js <<'JS'
const { execFileSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const [, , port, mode, preload] = process.argv
let questions = 0
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    console.log('asked')
    response.setHeader('Content-Type', 'application/ocsp-response')
    if (mode === 'busy' && questions++ === 0) return response.end(Buffer.from('30030a0103', 'hex'))
    const clock = Number(readFileSync('clock', 'utf8'))
    execFileSync('openssl', ('ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index index.txt -noverify ' +
      `-respout answer.der ${mode === 'short' ? '-nmin 1' : '-ndays 1'}`).split(' '),
    { stdio: 'ignore', env: { ...process.env, LD_PRELOAD: preload, FAKETIME: `${clock < 40 ? '' : '+'}${clock - 40}s` } })
    response.end(readFileSync('answer.der'))
  })
}).listen(Number(port), '127.0.0.1')
JS

# try MODE NAME
try() {
  local port line='' at answering pid staple
  port=$(free_port)
  cat > nginx.conf <<CONF
env FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE; env LD_PRELOAD;
daemon off; master_process off; pid $dir/pid; error_log $dir/error.txt; events { }
http {
  access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  server {
    listen 127.0.0.1:$port ssl; ssl_certificate $dir/chain.pem; ssl_certificate_key $dir/site.key;
    ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate $dir/ca.pem;
  }
}
CONF
  echo +0 > clock
  timeout 50 node responder.js "$responder" "$1" "$faketime" >asked.txt & answering=$!
  FAKETIME_TIMESTAMP_FILE=$dir/clock FAKETIME_NO_CACHE=1 LD_LIBRARY_PATH=$libraries LD_PRELOAD=$faketime \
    "$dir/root/usr/sbin/nginx" -p "$dir" -c nginx.conf 2>start.txt & pid=$!
  pids=("$answering" "$pid")
  for open in "$responder" "$port"; do
    timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$open) 2>/dev/null; do sleep 0.1; done" || changed "nobody listens"
  done
  for at in 0 0 30 280 310 310; do
    echo "+$at" > clock
    timeout 10 openssl s_client -connect "127.0.0.1:$port" -status </dev/null >tls.txt 2>&1 || true
    grep -q 'BEGIN CERTIFICATE' tls.txt || changed 'no handshake'
    staple=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/none/p' tls.txt)
    sleep 2
    line+="${line:+, }+$at $staple $(grep -c asked asked.txt || true)"
  done
  kill "$pid" "$answering"
  wait "$pid" "$answering" 2>/dev/null || true
  pids=()
  echo "$2: $line" | tee -a seen.txt
}

try short '20 seconds to live'
try busy 'tryLater, then a day'
diff seen.txt - <<'SEEN' || changed 'other staples or questions than described'
20 seconds to live: +0 none 1, +0 good 1, +30 none 1, +280 none 1, +310 none 2, +310 good 2
tryLater, then a day: +0 none 1, +0 none 1, +30 none 1, +280 none 1, +310 none 2, +310 good 2
SEEN
echo 'as described: five minutes between two questions'
