#!/usr/bin/env bash
# Apache goes on stapling an answer for five minutes after its nextUpdate; GnuTLS ends the handshake at such a staple.
#
# Expected: a server that can fetch a new answer at any time fetches it when nextUpdate has passed, before the next handshake goes on.
# Instead: Apache allows itself the 300 seconds of SSLStaplingResponseTimeSkew, made for clocks that differ, on its own cache, too: up to then
#   it asks nobody and staples the old answer. gnutls-cli, whose clock is the same, refuses the site. Each follows the standard.
# Versions: apache2-bin 2.4.71-1~deb12u1, gnutls-bin 3.7.9-2+deb12u7 (Debian 12), the clock of both moved by libfaketime 0.9.10-2.1. Every
#   answer of the responder has nextUpdate 20 seconds ahead when it is signed.
# Seen, by the seconds after the first handshake: the questions so far, and what gnutls-cli says of the site:
#   default: "+0 1 trusted, +60 1 superseded, +280 1 superseded, +330 2 trusted"
#   SSLStaplingResponseTimeSkew 0: "+0 1 trusted, +60 2 trusted, +280 3 trusted, +330 4 trusted"
#   ("The revocation or OCSP data are old and have been superseded" is the status that gnutls-cli prints for an answer that has ended)
# Why it matters: with a busy site, each period of the answers ends in five minutes in which such clients cannot connect, though the
#   responder is well and has newer answers. With answers that live for minutes this is most of the time. `SSLStaplingResponseTimeSkew 0`
#   ends it.
# Clause: RFC 6960, 4.2.2.1: "Responses whose nextUpdate value is earlier than the local system time value SHOULD be considered unreliable."
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 \
  libaprutil1=1.6.3-1+deb12u1 libpcre2-8-0=10.42-1+deb12u2 libfaketime=0.9.10-2.1 gnutls-bin=3.7.9-2+deb12u7 \
  libgnutls30=3.7.9-2+deb12u7 libgnutls-dane0=3.7.9-2+deb12u7 libunbound8=1.17.1-2+deb12u4 libevent-2.1-7=2.1.12-stable-8 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/x86_64-linux-gnu
modules=$dir/root/usr/lib/apache2/modules
faketime=$libraries/faketime/libfaketime.so.1
moved=(LD_LIBRARY_PATH="$libraries" LD_PRELOAD="$faketime" FAKETIME_TIMESTAMP_FILE="$dir/clock" FAKETIME_NO_CACHE=1)

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
responder=$(free_port)
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
openssl ecparam -name prime256v1 -genkey -noout -out site.key
openssl req -new -key site.key -out site.csr -subj /CN=localhost
printf '%s\n' "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$responder/" 'subjectAltName=DNS:localhost' > site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 2 -extfile site.ext -out site.crt 2>/dev/null
cat site.crt ca.pem > chain.pem
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' > index.txt

# a responder that signs each answer when it is asked, for a minute from 40 seconds ago
cat > responder.js <<'JS'
const { execFileSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    console.log('asked')
    const clock = Number(readFileSync('clock', 'utf8'))
    execFileSync('openssl', ('ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index index.txt -noverify ' +
      '-respout answer.der -nmin 1').split(' '),
    { stdio: 'ignore', env: { ...process.env, LD_PRELOAD: process.argv[3], FAKETIME: `${clock < 40 ? '' : '+'}${clock - 40}s` } })
    response.setHeader('Content-Type', 'application/ocsp-response').end(readFileSync('answer.der'))
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
JS

# try NAME [DIRECTIVE]
try() {
  local port line='' at pid answering verdict
  port=$(free_port)
  {
    printf '%s\n' "ServerRoot $dir" 'ServerName localhost' "PidFile $dir/pid" "ErrorLog $dir/log.txt" "Mutex file:$dir default" \
      "Listen 127.0.0.1:$port" 'StartServers 1'
    for name in mpm_event authz_core socache_shmcb ssl; do echo "LoadModule ${name}_module $modules/mod_$name.so"; done
    printf '%s\n' "SSLStaplingCache shmcb:$dir/cache(512000)" 'SSLUseStapling on' "${2:-}" "<VirtualHost *:$port>" 'SSLEngine on' \
      "SSLCertificateFile $dir/chain.pem" "SSLCertificateKeyFile $dir/site.key" '</VirtualHost>'
  } > apache.conf
  echo +0 > clock
  timeout 50 node responder.js "$responder" "$faketime" >asked.txt & answering=$!
  env "${moved[@]}" "$dir/root/usr/sbin/apache2" -DFOREGROUND -f "$dir/apache.conf" & pid=$!
  pids=("$answering" "$pid")
  for open in "$responder" "$port"; do
    timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$open) 2>/dev/null; do sleep 0.1; done" || changed "nobody listens"
  done
  for at in 0 60 280 330; do
    echo "+$at" > clock
    timeout 10 env "${moved[@]}" root/usr/bin/gnutls-cli --x509cafile ca.pem -p "$port" localhost </dev/null >tls.txt 2>&1 || true
    verdict=$(sed -nE 's/^- Status: The certificate is trusted.*/trusted/p; s/^- Status:.*NOT.*have been (superseded).*/\1/p' tls.txt)
    grep -q 'OCSP status request' tls.txt || [ "$verdict" = superseded ] || changed 'no staple'
    line+="${line:+, }+$at $(grep -c asked asked.txt || true) $verdict"
  done
  kill "$pid" "$answering"
  wait "$pid" "$answering" 2>/dev/null || true
  pids=()
  echo "$1: $line" | tee -a seen.txt
}

try default
try 'skew 0' 'SSLStaplingResponseTimeSkew 0'
diff seen.txt - <<'SEEN' || changed 'other questions or verdicts than described'
default: +0 1 trusted, +60 1 superseded, +280 1 superseded, +330 2 trusted
skew 0: +0 1 trusted, +60 2 trusted, +280 3 trusted, +330 4 trusted
SEEN
echo 'as described: the old answer is stapled for five minutes after its end'
