#!/usr/bin/env bash
# wolfSSL, told to ask for a staple and not to insist, connects without one, and ends the handshake at a good one by SHA-256.
#
# Expected: with no staple it connects, so a staple of which it cannot make use is as good as none; and an answer that names the certificate by
#   SHA-256 says "good" about the same certificate as one by SHA-1.
# Instead: error -406, "Bad Certificate Status Message Error", for SHA-256, and also for a good answer in which the delegate's certificate is not
#   the first of those inside, for "unknown" and for tryLater. One error for four causes. When it asks a responder itself about an unknown
#   certificate it says -367, "lookup fail", once, and from its cache -366, "unknown", from then on.
# Versions: Debian 12: libwolfssl35 and libwolfssl-dev 5.5.4-2+deb12u3, a client of a few lines: EnableOCSPStapling, UseOCSPStapling, the server's
#   certificate is verified; against `openssl s_server -status_file`.
# Seen, by TLS 1.3 and 1.2 alike: "none: connected", "SHA-1: connected", "SHA-256: -406", "delegate first: connected", "delegate second: -406",
#   "unknown: -406", "tryLater: -406"; "asks itself, unknown twice: -367 -366, questions: 1".
# Why it matters: devices on wolfSSL lose a server at the moment when it staples answers by SHA-256, or passes on a tryLater, and their log does not
#   say which. For them staple by SHA-1 with the delegate's certificate first, and nothing where there is no good answer.
# Clause: RFC 6960, 4.1.1 (CertID: any hash algorithm) and 4.2.1 (certs, in no order); RFC 6066, 8 (a server need not send a status).
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download libwolfssl35=5.5.4-2+deb12u3 libwolfssl-dev=5.5.4-2+deb12u3 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
export LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu

# client PORT 3|2: a handshake by TLS 1.3 or 1.2; client FILE: the certificate twice, with FILE as the responder's answer
cat >client.c <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
static unsigned char answer[20000];
static int size, questions;
static int ask(void *context, const char *url, int url_size, unsigned char *request, int request_size, unsigned char **response) {
  questions++;
  *response = answer;
  return size;
}
static void release(void *context, unsigned char *response) {}
static int load(const char *name, unsigned char *to) {
  FILE *file = fopen(name, "rb");
  return file ? (int)fread(to, 1, 20000, file) : 0;
}
int main(int count, char **values) {
  wolfSSL_Init();
  if (count == 2) {
    static unsigned char site[20000];
    int site_size = load("site.der", site), first, second;
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CertManagerNew();
    size = load(values[1], answer);
    wolfSSL_CertManagerLoadCA(manager, "ca.pem", NULL);
    wolfSSL_CertManagerEnableOCSP(manager, WOLFSSL_OCSP_NO_NONCE);
    wolfSSL_CertManagerSetOCSP_Cb(manager, ask, release, NULL);
    first = wolfSSL_CertManagerCheckOCSP(manager, site, site_size);
    second = wolfSSL_CertManagerCheckOCSP(manager, site, site_size);
    printf("%d %d, questions: %d\n", first, second, questions);
    return 0;
  }
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(values[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  WOLFSSL_CTX *context = wolfSSL_CTX_new(values[2][0] == '3' ? wolfTLSv1_3_client_method() : wolfTLSv1_2_client_method());
  wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER, NULL);
  int to = socket(AF_INET, SOCK_STREAM, 0), ready = wolfSSL_CTX_load_verify_locations(context, "ca.pem", NULL) == 1 &&
    wolfSSL_CTX_EnableOCSPStapling(context) == 1 && wolfSSL_CTX_UseOCSPStapling(context, WOLFSSL_CSR_OCSP, 0) == 1;
  if (!ready || connect(to, (struct sockaddr *)&at, sizeof at)) return 1;
  WOLFSSL *connection = wolfSSL_new(context);
  wolfSSL_set_fd(connection, to);
  int result = wolfSSL_connect(connection);
  if (result == 1) puts("connected");
  else printf("%d\n", wolfSSL_get_error(connection, result));
  return 0;
}
C
timeout 60 gcc -I root/usr/include client.c -o client "$LD_LIBRARY_PATH/libwolfssl.so.35" || { echo 'the client cannot be built'; exit 1; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
printf 'subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1/\n' >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile site.ext -out site.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout delegate.key -out delegate.csr -subj /CN=delegate 2>/dev/null
echo 'extendedKeyUsage=OCSPSigning' >delegate.ext
openssl x509 -req -in delegate.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2C -days 20 -extfile delegate.ext -out delegate.pem 2>/dev/null
for name in ca site delegate; do openssl x509 -in "$name.pem" -outform der -out "$name.der"; done
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >good.txt
printf 'V\t491231235959Z\t\t5678\tunknown\t/CN=another\n' >unknown.txt
# sign FILE STATUS HASH SIGNER OPTIONS...
sign() {
  openssl ocsp "-$3" -CA ca.pem -issuer ca.pem -cert site.pem -index "$2.txt" -rsigner "$4.pem" -rkey "$4.key" -no_nonce -noverify -ndays 1 \
    "${@:5}" -respout "$1.der" >/dev/null 2>&1
}
sign sha1 good sha1 ca
sign sha256 good sha256 ca
sign first good sha1 delegate -rother ca.pem
sign unknown unknown sha1 ca
printf '\x30\x03\x0a\x01\x03' >tryLater.der
# the two certificates inside, the other way round: nothing that is signed changes
node -e 'const fs = require("fs"), [answer, one, other] = ["first", "delegate", "ca"].map((name) => fs.readFileSync(`${name}.der`))
  const at = answer.indexOf(Buffer.concat([one, other]))
  if (at > 0) fs.writeFileSync("second.der", Buffer.concat([answer.subarray(0, at), other, one, answer.subarray(at + one.length + other.length)]))'
for name in sha1:sha1 sha256:sha256 first:sha1 second:sha1; do
  openssl ocsp "-${name#*:}" -respin "${name%:*}.der" -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || { cat check.txt; changed "openssl does not take $name"; }
done

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
# try NAME FILE EXPECTED
try() {
  local port version said status=()
  port=$(free_port)
  [ "$2" = none ] || status=(-status_file "$2.der")
  timeout 40 openssl s_server -accept "127.0.0.1:$port" -cert site.pem -key site.key "${status[@]}" -www >/dev/null 2>&1 &
  pids+=($!)
  timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done" || changed 'the server does not listen'
  for version in 3 2; do
    said=$(timeout 15 ./client "$port" "$version") || changed 'the client fails'
    [ "$said" = "$3" ] || changed "$1: $said by TLS 1.$version, expected $3"
  done
  kill "${pids[-1]}"
  wait "${pids[-1]}" 2>/dev/null || true
  unset 'pids[-1]'
  echo "$1: $said"
}
try none none connected
try SHA-1 sha1 connected
try SHA-256 sha256 -406
try 'delegate first' first connected
try 'delegate second' second -406
try unknown unknown -406
try tryLater tryLater -406
said=$(timeout 15 ./client unknown.der)
echo "asks itself, unknown twice: $said"
[ "$said" = '-367 -366, questions: 1' ] || changed 'expected -367 -366, questions: 1'
echo 'as described: connected without a staple, and not with a good one by SHA-256'
