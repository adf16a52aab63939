#!/usr/bin/env bash
# nginx drops an answer whose Content-Type has a parameter, and takes the same octets with no Content-Type at all; it reads 16 kB of an answer.
#
# Expected: "application/ocsp-response; charset=binary" is application/ocsp-response: a parameter does not make another media type. And an
#   answer has the length that Content-Length says.
# Instead: `ssl_stapling` compares the whole field. With a parameter the answer is dropped, with no field it is stapled. Of an answer of more
#   than 16 kB only the beginning is read, headers included, and its DER is then called broken.
# Versions: nginx 1.22.1-9+deb12u11 (Debian 12), asked twice by `openssl s_client -tls1_3 -status`. Control: Apache (apache2-bin
#   2.4.71-1~deb12u1, SSLUseStapling) staples all of them.
# Seen: "application/ocsp-response: nginx good, Apache good", the same for "APPLICATION/OCSP-RESPONSE" and for no field;
#   "application/ocsp-response; charset=binary: nginx none, Apache good"; "application/ocsp-response, 18 kB: nginx none, Apache good".
#   The error log of nginx says: OCSP responder sent invalid "Content-Type" header: "application/ocsp-response; charset=binary", and for the
#   large one: d2i_OCSP_RESPONSE() failed.
# Why it matters: a framework or gateway that appends a charset is enough, and no nginx staples any more, while a test with Apache passes.
#   Send the bare name. Keep answers well under 16 kB: a chain of post-quantum certificates inside is more.
# Clause: RFC 6960, A.2 (the header's value is application/ocsp-response); RFC 9110, 8.3.1 (a media type may be followed by parameters).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download nginx=1.22.1-9+deb12u11 apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 \
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

cat > responder.js <<'JS'
const [, , port, type] = process.argv
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    const answer = require('node:fs').readFileSync('answer.der')
    response.writeHead(200, { 'Content-Length': answer.length, ...type && { 'Content-Type': type } }).end(answer)
  })
}).listen(Number(port), '127.0.0.1')
JS
listens() {
  timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null; do sleep 0.1; done" || changed 'nobody listens'
}
# stapled PORT: the status of the second handshake, "none", or "other"
stapled() {
  for _ in 1 2; do
    timeout 15 openssl s_client -tls1_3 -connect "127.0.0.1:$1" -status </dev/null >tls.txt 2>&1 || true
    sleep 1
  done
  grep -aq 'BEGIN CERTIFICATE' tls.txt || changed 'no handshake'
  sed -n 's/.*Cert Status: //p; s/.*no response sent/none/p' tls.txt
}
# try TYPE EXPECTED-OF-NGINX [ERROR-OF-NGINX [SIZE]]: an answer, with a certificate inside that holds a comment of SIZE octets
try() {
  local port other nginx apache
  openssl req -x509 -key ca.key -out other.pem -subj /CN=other -days 2 -addext "nsComment=$(head -c "${4:-10}" /dev/zero | tr '\0' x)"
  openssl ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index index.txt -noverify -ndays 1 \
    -rother other.pem -respout answer.der >/dev/null
  port=$(free_port)
  other=$(free_port)
  cat > nginx.conf <<CONF
daemon off; master_process off; pid $dir/nginx.pid; error_log $dir/nginx.txt; events { }
http {
  access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  server {
    listen 127.0.0.1:$port ssl; ssl_certificate $dir/chain.pem; ssl_certificate_key $dir/site.key; ssl_protocols TLSv1.3;
    ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate $dir/ca.pem;
  }
}
CONF
  {
    printf '%s\n' "ServerRoot $dir" 'ServerName localhost' "PidFile $dir/pid" "ErrorLog $dir/apache.txt" "Mutex file:$dir default" \
      "Listen 127.0.0.1:$other" 'StartServers 1'
    for name in mpm_event authz_core socache_shmcb ssl; do echo "LoadModule ${name}_module $modules/mod_$name.so"; done
    printf '%s\n' "SSLStaplingCache shmcb:$dir/cache(512000)" 'SSLUseStapling on' "<VirtualHost *:$other>" 'SSLEngine on' \
      "SSLCertificateFile $dir/chain.pem" "SSLCertificateKeyFile $dir/site.key" '</VirtualHost>'
  } > apache.conf
  : > nginx.txt
  timeout 40 node responder.js "$responder" "$1" & pids=($!)
  export LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu
  "$dir/root/usr/sbin/nginx" -p "$dir" -c nginx.conf 2>start.txt & pids+=($!)
  "$dir/root/usr/sbin/apache2" -DFOREGROUND -f "$dir/apache.conf" & pids+=($!)
  unset LD_LIBRARY_PATH
  for open in "$responder" "$port" "$other"; do listens "$open"; done
  nginx=$(stapled "$port")
  apache=$(stapled "$other")
  kill "${pids[@]}"
  wait "${pids[@]}" 2>/dev/null || true
  pids=()
  echo "${1:-no Content-Type}, $(wc -c <answer.der) octets: nginx $nginx, Apache $apache"
  [ "$nginx" = "$2" ] && [ "$apache" = good ] || changed "expected: nginx $2, Apache good"
  if [ -n "${3:-}" ]; then grep -qF "$3" nginx.txt || changed "nginx does not say: $3"; fi
}

try application/ocsp-response good
try APPLICATION/OCSP-RESPONSE good
try '' good
try 'application/ocsp-response; charset=binary' none 'OCSP responder sent invalid "Content-Type" header: "application/ocsp-response; charset=binary"'
try application/ocsp-response good '' 13000
try application/ocsp-response none 'd2i_OCSP_RESPONSE() failed' 17000
echo 'as described: nginx takes the bare name, or none, and 16 kB'
