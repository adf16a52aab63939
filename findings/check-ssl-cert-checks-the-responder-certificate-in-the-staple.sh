#!/usr/bin/env bash
# check_ssl_cert --require-ocsp-stapling takes the certificate inside of the staple for the site's own, and raises the alarm about that one.
#
# Expected: the option adds one check, that there is a staple, and the site's certificate is checked as before.
# Instead: the plugin looks for the first certificate in what `openssl s_client -status` prints. Where an answer has its signer's certificate
#   inside, that one is printed first, before those of the handshake. So the names, the issuer and the days left are those of a delegate,
#   which has no DNS names and a short life: CRITICAL, at a site in order. A staple without nextUpdate is called "not enabled".
# Versions: Debian 12: monitoring-plugins-contrib 42.20230308+deb12u1+b1 (check_ssl_cert 2.60.0), openssl 3.0.22-1~deb12u2 (s_client, s_server). The
#   certificate of the site is good for 60 days, that of the delegate for 7; the plugin is to be critical at 15.
# Seen: "delegate's certificate inside, option off: SSL_CERT OK", "nothing inside: SSL_CERT OK", "delegate's certificate inside: SSL_CERT CRITICAL
#   delegate: x509 certificate element 1 (delegate) will expire in 6 day(s)", "CA's certificate inside: SSL_CERT CRITICAL ca: The certificate for
#   this site does not contain a Subject Alternative Name", "nothing inside, no nextUpdate: SSL_CERT CRITICAL www.site.example: OCSP stapling not
#   enabled".
# Why it matters: an answer of a delegate has its certificate inside, or few clients could check it, and such certificates live for weeks.
#   Whoever switches the option on for such a CA is woken about a certificate that the site has not got, under the name of the responder. Leave the
#   option off there, and look at the staple with `openssl s_client -status`.
# Clause: RFC 6960, 4.2.1 (certs, to help the client verify the signature) and 4.2.2.1 (nextUpdate is optional).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download monitoring-plugins-contrib=42.20230308+deb12u1+b1 bc=1.07.1-3+b1 file=1:5.44-3 \
  libmagic1=1:5.44-3 libmagic-mgc=1:5.44-3 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
# the plugin wants a program `host`, which need not ask anybody about this name
mkdir bin temp
printf '#!/bin/sh\necho "$1 has address 127.0.0.1"\n' >bin/host
chmod +x bin/host

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 90 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=www.site.example 2>/dev/null
echo 'subjectAltName=DNS:www.site.example' >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 60 -extfile site.ext -out site.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout delegate.key -out delegate.csr -subj /CN=delegate 2>/dev/null
echo 'extendedKeyUsage=OCSPSigning' >delegate.ext
openssl x509 -req -in delegate.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2C -days 7 -extfile delegate.ext -out delegate.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=www.site.example\n' >index.txt
free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

# try NAME EXPECTED PLUGIN-OPTION SIGNER OPTIONS...: what the plugin says of a site with a staple that is signed with these options
try() {
  local port said
  openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner "$4.pem" -rkey "$4.key" -no_nonce -noverify "${@:5}" \
    -respout answer.der >/dev/null 2>&1
  openssl ocsp -respin answer.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed "openssl does not take it: $1"; }
  port=$(free_port)
  timeout 40 openssl s_server -accept "127.0.0.1:$port" -cert site.pem -key site.key -cert_chain ca.pem -status_file answer.der -www >/dev/null 2>&1 &
  pids+=($!)
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'the server does not listen'
  said=$(PATH=$dir/bin:$dir/root/usr/bin:$PATH LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu MAGIC=$dir/root/usr/lib/file/magic.mgc \
    TMPDIR=$dir/temp timeout 30 "$dir/root/usr/lib/nagios/plugins/check_ssl_cert" -H www.site.example --resolve 127.0.0.1 -p "$port" \
    --rootcert-file ca.pem --ignore-ocsp --ignore-sct --warning 20 --critical 15 $3 2>&1 || true)
  kill "${pids[-1]}"
  wait "${pids[-1]}" 2>/dev/null || true
  unset 'pids[-1]'
  said=${said%%|*}
  echo "$1: $said"
  [[ $said =~ $2 ]] || changed "$1: expected $2"
}
option=--require-ocsp-stapling
try "delegate's certificate inside, option off" '^SSL_CERT OK' '' delegate -ndays 1
try 'nothing inside' '^SSL_CERT OK' $option ca -ndays 1 -resp_no_certs
try "delegate's certificate inside" '^SSL_CERT CRITICAL delegate: .*will expire in' $option delegate -ndays 1
try "CA's certificate inside" '^SSL_CERT CRITICAL ca: .*Subject Alternative Name' $option ca -ndays 1
try 'nothing inside, no nextUpdate' '^SSL_CERT CRITICAL www.site.example: OCSP stapling not enabled' $option ca -resp_no_certs
echo "as described: the certificate inside of the staple is taken for the site's"
