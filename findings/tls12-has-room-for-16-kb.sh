#!/usr/bin/env bash
# Over TLS 1.2 an OpenSSL client ends the handshake at a staple of more than 16 kB; over TLS 1.3 it takes the same one.
#
# Expected: the length of a staple has three octets (RFC 6066, 8), so that 16 MB fit; a client that does not want it goes on without.
# Instead: OpenSSL allows 16384 octets for the message that carries it in TLS 1.2. One octet more, and the handshake ends. In TLS 1.3, where
#   the staple travels with the certificate, 40 kB are fine. GnuTLS takes 40 kB over both.
# Versions: openssl and libssl3 3.0.22-1~deb12u2 (client and server), gnutls-bin 3.7.9-2+deb12u7 (Debian 12).
# Seen: "16300 octets, tls1_2: openssl good, gnutls trusted", "16600 octets, tls1_2: openssl excessive message size, gnutls trusted",
#   "16600 octets, tls1_3: openssl good, gnutls trusted". The sizes vary by an octet or two.
# Why it matters: the server is asked for a status and gives a valid one, and all OpenSSL clients that ask for one are locked out, while
#   those that do not ask get in. RSA and ECDSA never come near 16 kB, but an answer with a chain of post-quantum certificates inside does. The
#   error names neither OCSP nor the staple. Keep answers for stapling below 16 kB as long as TLS 1.2 is offered.
# Clause: RFC 6066, 8: "opaque OCSPResponse<1..2^24-1>"; RFC 8446, 4.4.2.1: the same in the Certificate message.
set -euo pipefail
dir=$(mktemp -d)
pid=
end() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 60 apt-get -qq -o APT::Sandbox::User=root download openssl=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2 gnutls-bin=3.7.9-2+deb12u7 \
  libgnutls30=3.7.9-2+deb12u7 libgnutls-dane0=3.7.9-2+deb12u7 libunbound8=1.17.1-2+deb12u4 libevent-2.1-7=2.1.12-stable-8 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
libraries=$dir/root/usr/lib/x86_64-linux-gnu
openssl() { LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/openssl" "$@"; }

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -key ca.key -out ca.pem -subj /CN=ca -days 2
openssl ecparam -name prime256v1 -genkey -noout -out site.key
openssl req -new -key site.key -out site.csr -subj /CN=localhost
echo subjectAltName=DNS:localhost > site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 1 -extfile site.ext -out site.crt 2>/dev/null
printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=localhost\n' > index.txt

# try SIZE EXPECTED-TLS-1.2 EXPECTED-TLS-1.3: an answer with a second certificate inside that holds a comment of SIZE octets
try() {
  local port size said version name
  openssl req -x509 -key ca.key -out other.pem -subj /CN=other -days 2 -addext "nsComment=$(head -c "$1" /dev/zero | tr '\0' x)"
  openssl ocsp -CA ca.pem -rsigner ca.pem -rkey ca.key -issuer ca.pem -cert site.crt -index index.txt -noverify -ndays 1 \
    -rother other.pem -respout answer.der >/dev/null
  size=$(wc -c <answer.der)
  port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  LD_LIBRARY_PATH=$libraries timeout 50 "$dir/root/usr/bin/openssl" s_server -accept "127.0.0.1:$port" -cert site.crt -key site.key \
    -cert_chain ca.pem -status_file answer.der -www -quiet >server.txt 2>&1 & pid=$!
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'the server does not listen'
  for version in 2 3; do
    openssl s_client -connect "127.0.0.1:$port" -status "-tls1_$version" </dev/null >openssl.txt 2>&1 || true
    LD_LIBRARY_PATH=$libraries timeout 20 root/usr/bin/gnutls-cli --priority "NORMAL:-VERS-ALL:+VERS-TLS1.$version" --x509cafile ca.pem \
      -p "$port" localhost </dev/null >gnutls.txt 2>&1 || true
    said=$(sed -nE 's/.*Cert Status: //p; s/.*:(excessive message size):.*/\1/p' openssl.txt)
    name=$(sed -nE 's/^- Status: The certificate is (trusted).*/\1/p' gnutls.txt)
    grep -q '^- Options:.*OCSP status request' gnutls.txt || name+=' without a staple'
    echo "$size octets, tls1_$version: openssl $said, gnutls $name"
    [ "$said" = "${!version}" ] && [ "$name" = trusted ] || changed "expected: openssl ${!version}, gnutls trusted"
  done
  openssl s_client -connect "127.0.0.1:$port" -tls1_2 </dev/null >openssl.txt 2>&1 || true
  grep -q 'Cipher is ECDHE' openssl.txt || changed 'a client that does not ask for a status gets no handshake'
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  pid=
}

try 15220 good good
try 15520 'excessive message size' good
try 39000 'excessive message size' good
echo 'as described: over TLS 1.2 the handshake ends above 16 kB'
