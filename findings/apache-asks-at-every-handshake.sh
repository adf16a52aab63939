#!/usr/bin/env bash
# Apache keeps no answer of more than 10240 octets: it asks the responder anew in every TLS handshake, and the client waits for that.
#
# Expected: `SSLStaplingCache` keeps a fetched answer (by default for an hour), whatever its size, if the cache is large enough: one
#   question, many staples. Or else: an answer that is too large is not stapled.
# Instead: an answer of 11 kB is stapled, but never kept. Each handshake asks again. The cache of 512000 octets is nearly empty.
# Versions: apache2-bin 2.4.71-1~deb12u1 (Debian 12), asked three times by `openssl s_client -status`.
# Seen: "9079 octets: 3 staples, 1 questions" and "11079 octets: 3 staples, 3 questions"; in the log of the second
#   "AH01928: OCSP stapling response too big (11079 bytes)". The sizes vary by an octet or two.
# Why it matters: the size comes from the certificates inside and from the signature. ML-DSA-87 and a delegate's certificate that is signed
#   with it come to some 12 kB. Nobody sees a failure: the staple is there, but a responder gets the load of every visitor, and a slow one
#   slows every handshake. Keep what Apache is to staple under 10240 octets.
# Clause: RFC 5019, 6.1: clients (a server that staples is one) keep answers until nextUpdate; RFC 6066, 8. Neither has a limit of size.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 \
  libaprutil1=1.6.3-1+deb12u1 libpcre2-8-0=10.42-1+deb12u2 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
modules=$dir/root/usr/lib/apache2/modules

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
responder=$(free_port)
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
openssl ecparam -name prime256v1 -genkey -noout -out site.key
openssl req -new -key site.key -out site.csr -subj /CN=localhost
echo "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$responder/" > site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 1 -extfile site.ext -out site.crt 2>/dev/null
cat site.crt ca.pem > chain.pem
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' > index.txt

# a responder that gives the octets of answer.der and writes a line for each question
cat > responder.js <<'JS'
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    console.log('asked')
    response.setHeader('Content-Type', 'application/ocsp-response').end(require('node:fs').readFileSync('answer.der'))
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
JS

# try EXPECTED-QUESTIONS SIZE: an answer with a second certificate inside that holds a comment of SIZE octets
try() {
  local port staples=0 questions size pid answering
  openssl req -x509 -key ca.key -out other.pem -subj /CN=other -days 2 -addext "nsComment=$(head -c "$2" /dev/zero | tr '\0' x)"
  openssl ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index index.txt -noverify -ndays 1 \
    -rother other.pem -respout answer.der >/dev/null
  size=$(wc -c <answer.der)
  port=$(free_port)
  {
    printf '%s\n' "ServerRoot $dir" 'ServerName localhost' "PidFile $dir/pid" "ErrorLog $dir/log.txt" "Mutex file:$dir default" \
      "Listen 127.0.0.1:$port" 'StartServers 1'
    for name in mpm_event authz_core socache_shmcb ssl; do echo "LoadModule ${name}_module $modules/mod_$name.so"; done
    printf '%s\n' "SSLStaplingCache shmcb:$dir/cache(512000)" 'SSLUseStapling on' "<VirtualHost *:$port>" 'SSLEngine on' \
      "SSLCertificateFile $dir/chain.pem" "SSLCertificateKeyFile $dir/site.key" '</VirtualHost>'
  } > apache.conf
  : > log.txt
  timeout 40 node responder.js "$responder" >asked.txt & answering=$!
  LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu timeout 40 "$dir/root/usr/sbin/apache2" -DFOREGROUND -f "$dir/apache.conf" & pid=$!
  pids=("$answering" "$pid")
  for open in "$responder" "$port"; do
    timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$open) 2>/dev/null; do sleep 0.1; done" || changed "nobody listens"
  done
  for _ in 1 2 3; do
    timeout 15 openssl s_client -tls1_3 -connect "127.0.0.1:$port" -status </dev/null >tls.txt 2>&1 || true
    if grep -aq 'Cert Status: good' tls.txt; then staples=$((staples + 1)); fi
  done
  kill "$pid" "$answering"
  wait "$pid" "$answering" 2>/dev/null || true
  pids=()
  questions=$(grep -c asked asked.txt || true)
  echo "$size octets: $staples staples, $questions questions"
  grep -o 'AH01928.*' log.txt | sort | uniq -c || true
  [ "$staples" = 3 ] && [ "$questions" = "$1" ] || changed "expected 3 staples and $1 questions"
  [ "$(grep -c "AH01928: OCSP stapling response too big ($size bytes)" log.txt)" = "$(($1 == 3 ? 3 : 0))" ] || changed "other lines in the log"
}

try 1 9130
try 3 9190
echo 'as described: an answer above 10240 octets is asked for in every handshake'
