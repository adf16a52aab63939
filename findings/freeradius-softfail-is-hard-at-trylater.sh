#!/usr/bin/env bash
# FreeRADIUS with "softfail = yes" lets clients in when the responder is away, and not when it says tryLater: those are "expired/revoked".
#
# Expected: softfail makes errors soft ("no response from server, server did not understand the request, etc", says its configuration).
# Instead: only a connection or an HTTP exchange that fails is soft. tryLater, internalError, malformedRequest ("did not understand"), and
#   unauthorized end the handshake, and the log says "Certificate has been expired/revoked". So do an answer without a
#   nonce, which is asked for by default, and one that the CA signed without its certificate inside, though FreeRADIUS has that CA.
# Versions: Debian 12: freeradius 3.2.1+dfsg-4+deb12u1 with EAP-TLS and its ocsp section, eapoltest 2:2.10-12+deb12u3 as the client.
# Seen: (softfail = yes) "good: in", "nobody listens: in", "tryLater: out, expired/revoked", the same for internalError, malformedRequest,
#   unauthorized, "good, nothing inside" and, with use_nonce left as it is, "good, no nonce"; "good, with the nonce: in".
# Why it matters: a responder that is restarting, or a proxy before it, does better to refuse the connection than to say tryLater, if clients
#   are to be let in. Answers signed ahead need use_nonce = no; the signer's certificate belongs inside.
# Clause: RFC 6960, 2.3 (tryLater: "temporarily unable to respond"); 4.4.1 (the nonce is optional).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download freeradius=3.2.1+dfsg-4+deb12u1 libfreeradius3=3.2.1+dfsg-4+deb12u1 \
  freeradius-common=3.2.1+dfsg-4+deb12u1 libtalloc2=2.4.0-f2 libpcap0.8=1.10.3-1 libpcre3=2:8.39-15 eapoltest=2:2.10-12+deb12u3 \
  libpcsclite1=1.9.9-2 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
machine=$(uname -m)-linux-gnu
libraries=$dir/root/usr/lib/freeradius:$dir/root/usr/lib/$machine:$dir/root/lib/$machine

# The responder gives answer.der, or has openssl answer, which puts the nonce of the request in.
cat >responder.js <<'JS'
const fs = require('node:fs')
const { execFileSync } = require('node:child_process')
const server = require('node:http').createServer((request, response) => {
  const parts = []
  request.on('data', part => parts.push(part)).on('end', () => {
    if (!fs.existsSync('answer.der')) {
      fs.writeFileSync('request.der', Buffer.concat(parts))
      execFileSync('openssl', ('ocsp -index good.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -ndays 1 -noverify -reqin request.der ' +
        '-respout live.der').split(' '), { stdio: 'ignore' })
    }
    const file = fs.existsSync('answer.der') ? 'answer.der' : 'live.der'
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync(file))
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
timeout 240 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

# issue NAME SERIAL EXTENSION
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out csr.pem -subj "/CN=$1" 2>/dev/null
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -set_serial "$2" -days 1 -out "$1.pem" -extfile <(echo "$3") 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2 2>/dev/null
issue server 0x1A2A extendedKeyUsage=serverAuth
issue client 0x1A2B extendedKeyUsage=clientAuth
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=client\n' >good.txt
sign() {
  openssl ocsp -CA ca.pem -issuer ca.pem -cert client.pem -index good.txt -rsigner ca.pem -rkey ca.key -ndays 1 -no_nonce -noverify "${@:2}" \
    -respout "$1.der" >/dev/null 2>&1
  openssl ocsp -respin "$1.der" -issuer ca.pem -cert client.pem -no_nonce -CAfile ca.pem -verify_other ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^client.pem: good' check.txt || { cat check.txt; changed "openssl does not take $1"; }
}
sign good
sign bare -resp_no_certs
printf '\x30\x03\x0a\x01\x01' >malformedRequest.der
printf '\x30\x03\x0a\x01\x02' >internalError.der
printf '\x30\x03\x0a\x01\x03' >tryLater.der
printf '\x30\x03\x0a\x01\x06' >unauthorized.der

udp_port() { node -e 's=require("dgram").createSocket("udp4").bind(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
printf '%s\n' 'network={' 'ssid="network"' 'key_mgmt=WPA-EAP' 'eap=TLS' 'identity="client"' "ca_cert=\"$dir/ca.pem\"" \
  "client_cert=\"$dir/client.pem\"" "private_key=\"$dir/client.key\"" '}' >eap.conf
# start RESPONDER-PORT USE-NONCE
start() {
  port=$(udp_port)
  cat >radiusd.conf <<CONF
prefix = $dir
libdir = $dir/root/usr/lib/freeradius
raddbdir = $dir
run_dir = $dir
logdir = $dir
security {
  allow_vulnerable_openssl = yes
}
client local {
  ipaddr = 127.0.0.1
  secret = secret
}
modules {
  eap {
    default_eap_type = tls
    tls-config common {
      private_key_file = $dir/server.key
      certificate_file = $dir/server.pem
      ca_file = $dir/ca.pem
      tls_max_version = "1.2"
      ocsp {
        enable = yes
        override_cert_url = yes
        url = "http://127.0.0.1:$1/"
        use_nonce = $2
        softfail = yes
        timeout = 5
      }
    }
    tls {
      tls = common
    }
  }
}
server one {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = $port
  }
  authorize {
    eap
  }
  authenticate {
    eap
  }
}
CONF
  : >dictionary
  : >radius.txt
  LD_LIBRARY_PATH=$libraries timeout 120 root/usr/sbin/freeradius -X -d "$dir" -D "$dir/root/usr/share/freeradius" >radius.txt 2>&1 &
  radius=$!
  pids+=("$radius")
  timeout 20 bash -c 'until grep -q "Ready to process" radius.txt; do sleep 0.1; done' || { tail -5 radius.txt; changed 'FreeRADIUS does not start'; }
}
stop() { kill "$radius"; wait "$radius" 2>/dev/null || true; unset 'pids[-1]'; }
# try NAME FILE EXPECTED: in or out, and what FreeRADIUS says of the certificate
try() {
  local before said
  rm -f answer.der
  [ "$2" = live ] || cp "$2.der" answer.der
  before=$(wc -l <radius.txt)
  LD_LIBRARY_PATH=$libraries timeout 20 root/usr/bin/eapol_test -c eap.conf -a 127.0.0.1 -p "$port" -s secret -t 10 >eapol.txt 2>&1 || true
  case $(tail -1 eapol.txt) in SUCCESS) said=in ;; FAILURE) said=out ;; *) tail -5 eapol.txt; changed "$1: eapol_test ends otherwise" ;; esac
  tail -n "+$((before + 1))" radius.txt >said.txt
  grep -q 'Starting OCSP Request' said.txt || changed "$1: FreeRADIUS does not ask"
  ! grep -q 'ocsp: Certificate has been expired/revoked' said.txt || said+=', expired/revoked'
  echo "$1: $said"
  [ "$said" = "$3" ] || { grep ocsp said.txt; changed "$1: expected $3"; }
}
start "$(cat port)" no
try 'good' good in
for status in tryLater internalError malformedRequest unauthorized; do try "$status" "$status" 'out, expired/revoked'; done
try 'good, nothing inside' bare 'out, expired/revoked'
grep -q "Couldn't verify OCSP basic response" said.txt || changed 'it says otherwise of an answer with nothing inside'
stop
start "$(cat port)" yes
try 'good, no nonce' good 'out, expired/revoked'
grep -q 'Response has wrong nonce value' said.txt || changed 'it says otherwise of an answer without a nonce'
try 'good, with the nonce' live in
stop
start "$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')" no
try 'nobody listens' good in
stop
echo 'as described: soft at silence, hard at tryLater'
