#!/usr/bin/env bash
# A tls_ocsp_file that says "revoked" takes TLS away from exim as a whole, for clients that ask for no status, too; "unknown" does no harm.
#
# Expected: exim staples what the file says and leaves the judgement to the client; or it leaves the staple out, as it does with no file.
# Instead: exim goes on offering STARTTLS, takes the command, and then cannot set up TLS, for anybody. A certificate that is revoked to be
#   replaced tomorrow stops the mail of all who insist on TLS at the moment when the new answer is written. exim notices the
#   new file by itself within seconds: nothing has to be restarted for that.
# Versions: exim4-daemon-light 4.96-15+deb12u11 with libgnutls30 3.7.9-2+deb12u7 (Debian 12), asked by `openssl s_client -starttls smtp`, with
#   -status and without. One exim runs all the time; only the file changes.
# Seen: "good: with -status good, without TLS", "revoked: with -status no TLS, without no TLS", "unknown: with -status unknown, without TLS",
#   "good: with -status good, without TLS" (in this order, the words after "without" being the result); the log of exim says
#   "TLS error on connection ... (gnutls_certificate_set_ocsp_status_request_file2): The session or certificate has expired."
# Why it matters: who writes staples for exim must leave a revoked one out, although the answer is right, signed and new. Other
#   servers, lighttpd for one, hand it out.
# Clause: RFC 6066, 8: a server "MAY return" the status; the client is who checks it.
set -euo pipefail
dir=$(mktemp -d)
pid=
end() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download exim4-daemon-light=4.96-15+deb12u11 libgnutls30=3.7.9-2+deb12u7 \
  libgnutls-dane0=3.7.9-2+deb12u7 libunbound8=1.17.1-2+deb12u4 libevent-2.1-7=2.1.12-stable-8 libidn12=1.41-1 libpcre2-8-0=10.42-1+deb12u2 \
  libnss-wrapper=1.1.12-1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/x86_64-linux-gnu

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
openssl ecparam -name prime256v1 -genkey -noout -out site.key
openssl req -new -key site.key -out site.csr -subj /CN=localhost
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 1 -out site.crt 2>/dev/null
cat site.crt ca.pem > chain.pem
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' > good.txt
printf 'R\t491231235959Z\t%s,superseded\t1234\tunknown\t/CN=localhost\n' "$(date -u +%y%m%d000000Z)" > revoked.txt
printf 'V\t491231235959Z\t\t5678\tunknown\t/CN=another\n' > unknown.txt
for status in good revoked unknown; do
  openssl ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index "$status.txt" -noverify -ndays 1 \
    -respout "$status.der" >/dev/null
  openssl ocsp -no_nonce -respin "$status.der" -issuer ca.pem -cert site.crt -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q "site.crt: $status" check.txt ||
    { cat check.txt; changed "openssl does not find $status.der valid"; }
done

# exim asks for the user Debian-exim, which libnss-wrapper provides to it alone
{ cat /etc/passwd; echo 'Debian-exim:x:65533:65533::/:/bin/false'; } > passwd
{ cat /etc/group; echo 'Debian-exim:x:65533:'; } > group
mkdir spool
port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
cat > exim.conf <<CONF
keep_environment = LD_PRELOAD:LD_LIBRARY_PATH:NSS_WRAPPER_PASSWD:NSS_WRAPPER_GROUP
exim_user = root
exim_group = root
primary_hostname = localhost
spool_directory = $dir/spool
log_file_path = $dir/%s.txt
local_interfaces = 127.0.0.1
daemon_smtp_ports = $port
host_lookup =
tls_advertise_hosts = *
tls_certificate = $dir/chain.pem
tls_privatekey = $dir/site.key
tls_ocsp_file = $dir/staple.der
begin acl
begin routers
begin transports
CONF
cp good.der staple.der
LD_LIBRARY_PATH=$libraries LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD=$dir/passwd NSS_WRAPPER_GROUP=$dir/group \
  "$dir/root/usr/sbin/exim4" -bdf -C "$dir/exim.conf" 2>exim.txt & pid=$!
timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'exim does not listen'

ask() { timeout 10 openssl s_client -connect "127.0.0.1:$port" -starttls smtp "$@" </dev/null >tls.txt 2>&1 || true; }
try() {
  local with without
  cp "$1.der" staple.der
  # exim looks after the file every few seconds
  for _ in $(seq 24); do
    ask -status
    with=$(sed -n 's/.*Cert Status: //p; s/.*no response sent/no staple/p; s/.*Cipher is (NONE).*/no TLS/p' tls.txt)
    [ "$with" != "$2" ] || break
    sleep 0.5
  done
  ask
  without=$(sed -n 's/.*Cipher is (NONE).*/no TLS/p; s/.*Cipher is TLS_.*/TLS/p' tls.txt)
  echo "$1: with -status $with, without $without"
  [ "$with" = "$2" ] && [ "$without" = "$3" ] || changed "expected: with -status $2, without $3"
}
try good good TLS
try revoked 'no TLS' 'no TLS'
grep -q 'TLS error.*gnutls_certificate_set_ocsp_status_request_file2' main.txt || changed 'exim logs nothing of the file'
try unknown unknown TLS
try good good TLS
echo 'as described: no TLS for anybody with a revoked staple'
