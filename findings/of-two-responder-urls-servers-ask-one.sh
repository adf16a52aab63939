#!/usr/bin/env bash
# Of two responder URLs in a certificate nginx and Apache ask the first only, Traffic Server the last only, and nghttpx has no staple at all.
#
# Expected: two URLs are two places where the same can be asked: when one is down, the other is; at least they are taken in the order in which
#   they stand.
# Instead: each server asks one and never the other, and they do not agree which. nginx and Apache have no good staple while the first is down,
#   Traffic Server while the second is down. nghttpx takes the two lines of `openssl x509 -ocsp_uri` for one URL, which nobody can ask:
#   no staple though both are there. Where it has no answer, Apache hands out a tryLater of its own.
# Versions: Debian 12: nginx 1.22.1-9+deb12u11, apache2-bin 2.4.71-1~deb12u1, trafficserver 9.2.5+ds-0+deb12u4, nghttp2-proxy 1.52.0-1+deb12u3 with
#   its script fetch-ocsp-response; asked by `openssl s_client -status`.
# Seen, for both there, the first down, the second down: "nginx: good (asked first), none (asked nobody), good (asked first)", "Apache: good (asked
#   first), trylater (asked nobody), good (asked first)", "Traffic Server: good (asked second), good (asked second), none (asked nobody)",
#   "nghttpx: none (asked nobody), none (asked nobody), none (asked nobody)"; nghttpx with a certificate that has the first URL only: good.
# Why it matters: a second URL for the sake of availability gives none to servers that staple: each depends on the one that it happens to
#   take, and nghttpx loses its staple. Write one URL into certificates, and make the responder behind it available.
# Clause: RFC 5280, 4.2.2.1: authorityInfoAccess is a SEQUENCE of accessDescriptions, and a method may stand in it more than once.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; [ ! -s out.txt ] || tail -5 out.txt; exit 1; }
cd "$dir"
command -v python3 >/dev/null || { echo 'the script of nghttpx needs python3'; exit 1; }

timeout 120 apt-get -qq -o APT::Sandbox::User=root download nginx=1.22.1-9+deb12u11 libpcre2-8-0=10.42-1+deb12u2 apache2-bin=2.4.71-1~deb12u1 \
  libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 trafficserver=9.2.5+ds-0+deb12u4 libhwloc15=2.9.0-1 libpcre3=2:8.39-15 \
  libyaml-cpp0.7=0.7.0+dfsg-8+b1 nghttp2-proxy=1.52.0-1+deb12u3 libnghttp2-14=1.52.0-1+deb12u3 libev4=1:4.33-1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries="$dir/root/usr/lib/$(uname -m)-linux-gnu:$dir/root/lib/$(uname -m)-linux-gnu:$dir/root/usr/lib/trafficserver"

cat >responder.js <<'JS'
const fs = require('node:fs')
const [, , name, port] = process.argv
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    fs.appendFileSync('asked', `${name}\n`)
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
}).listen(Number(port), '127.0.0.1')
JS
# (all at once, so that they differ)
read -r first second port < <(node -e 'const s = [1, 2, 3].map(() => require("net").createServer().listen(0, "127.0.0.1"))
  setTimeout(() => { console.log(...s.map((one) => one.address().port)); s.forEach((one) => one.close()) }, 200)')
# listens PORT
listens() { timeout 15 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null; do sleep 0.1; done" || changed "nobody listens at $1"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
# certificate URLS
certificate() {
  printf 'subjectAltName=DNS:localhost\nauthorityInfoAccess=%s\n' "$1" >site.ext
  openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site.pem 2>/dev/null
  cat site.pem ca.pem >chain.pem
}
one="OCSP;URI:http://127.0.0.1:$first/"
two="$one,OCSP;URI:http://127.0.0.1:$second/"
certificate "$two"
openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner ca.pem -rkey ca.key -no_nonce -noverify -ndays 1 \
  -respout answer.der >/dev/null 2>&1
openssl ocsp -respin answer.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed 'openssl does not take the answer'; }

cat >nginx.conf <<CONF
daemon off; master_process off; pid $dir/pid; error_log $dir/error.txt; events { }
http {
  access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
  server {
    listen 127.0.0.1:$port ssl; ssl_certificate $dir/chain.pem; ssl_certificate_key $dir/site.key; ssl_stapling on;
  }
}
CONF
{
  printf '%s\n' "ServerRoot $dir" 'ServerName localhost' "PidFile $dir/pid" "ErrorLog $dir/error.txt" "Mutex file:$dir default" \
    "Listen 127.0.0.1:$port" 'StartServers 1'
  for name in mpm_event authz_core socache_shmcb ssl; do echo "LoadModule ${name}_module $dir/root/usr/lib/apache2/modules/mod_$name.so"; done
  printf '%s\n' "SSLStaplingCache shmcb:$dir/staples(512000)" 'SSLUseStapling on' "<VirtualHost *:$port>" 'SSLEngine on' \
    "SSLCertificateFile $dir/chain.pem" "SSLCertificateKeyFile $dir/site.key" '</VirtualHost>'
} >apache.conf
mkdir etc
for place in prefix exec_prefix includedir localstatedir runtimedir logdir datadir cachedir; do echo "$place: $dir/ats"; done >runroot.yaml
printf '%s\n' "sysconfdir: $dir/etc" "bindir: $dir/root/usr/bin" "sbindir: $dir/root/usr/bin" "libdir: $dir/root/usr/lib/trafficserver" \
  "libexecdir: $dir/root/usr/lib/trafficserver/modules" >>runroot.yaml
printf 'CONFIG proxy.config.%s\n' "http.server_ports STRING $port:ssl:ip-in=127.0.0.1" "ssl.server.cert.path STRING $dir" \
  "ssl.server.private_key.path STRING $dir" 'ssl.ocsp.enabled INT 1' 'admin.user_id STRING #-1' 'crash_log_helper STRING' \
  "body_factory.template_sets_dir STRING $dir/root/etc/trafficserver/body_factory" >etc/records.config
echo 'dest_ip=* ssl_cert_name=chain.pem ssl_key_name=site.key' >etc/ssl_multicert.config
echo "$dir/ats 16M" >etc/storage.config
: >nghttpx.conf

# serve NAME: the command of this server, in the background
serve() {
  case $1 in
    nginx) set -- root/usr/sbin/nginx -p "$dir" -c nginx.conf ;;
    Apache) set -- root/usr/sbin/apache2 -DFOREGROUND -f "$dir/apache.conf" ;;
    'Traffic Server') set -- root/usr/bin/traffic_server --run-root="$dir/runroot.yaml" ;;
    nghttpx) set -- root/usr/sbin/nghttpx --conf=nghttpx.conf --frontend="127.0.0.1,$port" --backend="127.0.0.1,$first" --workers=1 \
      --cacert=ca.pem --ocsp-startup --fetch-ocsp-response-file="$dir/root/usr/share/nghttp2/fetch-ocsp-response" "$dir/site.key" "$dir/chain.pem" ;;
  esac
  rm -rf ats
  mkdir ats
  LD_LIBRARY_PATH=$libraries timeout 40 "$@" >out.txt 2>&1 & server=$!
  pids+=("$server")
  listens "$port"
}
# look NAME DOWN: sets seen
look() {
  local staple
  responders=()
  for name in first second; do
    [ "$name" != "$2" ] || continue
    timeout 40 node responder.js "$name" "${!name}" & responders+=("$!"); pids+=("$!")
    listens "${!name}"
  done
  : >asked
  serve "$1"
  for _ in 1 2 3; do
    sleep 1
    timeout 15 openssl s_client -connect "127.0.0.1:$port" -servername localhost -status </dev/null >tls.txt 2>&1 || true
    grep -q 'BEGIN CERTIFICATE' tls.txt || changed "$1: no handshake"
    staple=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/none/p; s/.*Response Status: \(trylater\).*/\1/p' tls.txt)
    [ "$staple" != good ] || break
  done
  for pid in "$server" "${responders[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
  pids=()
  seen="$staple (asked $(sort -u asked | paste -sd+ | sed 's/^$/nobody/'))"
}
# try NAME EXPECTED
try() {
  local line='' down
  for down in '' first second; do
    look "$1" "$down"
    line+="${line:+, }$seen"
  done
  echo "$1: $line"
  [ "$line" = "$2" ] || changed "$1: expected $2"
}
try nginx 'good (asked first), none (asked nobody), good (asked first)'
try Apache 'good (asked first), trylater (asked nobody), good (asked first)'
try 'Traffic Server' 'good (asked second), good (asked second), none (asked nobody)'
try nghttpx 'none (asked nobody), none (asked nobody), none (asked nobody)'
grep -q 'Error querying OCSP responder\|Error parsing URL\|OpenSSL exitted abnormally' out.txt || changed 'nghttpx has no staple for another reason'
certificate "$one"
look nghttpx ''
[ "$seen" = 'good (asked first)' ] || changed "nghttpx with one URL: $seen"
echo "nghttpx, a certificate with the first URL only: $seen"
echo 'as described: one of the two, or none'
