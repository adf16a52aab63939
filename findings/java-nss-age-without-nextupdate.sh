#!/usr/bin/env bash
# An answer without nextUpdate is good for 15 minutes in Java and for a day in NSS, counted from its thisUpdate; OpenSSL sets no end.
#
# Expected: without nextUpdate the responder sets no end, so all treat it alike: as long as one likes, or not at all.
# Instead: each has an end of its own. Java allows the 15 minutes that it has for clocks that differ (com.sun.security.ocsp.clockSkew, in
#   seconds, moves it), NSS 24 hours. A staple or a file made by `openssl ocsp` without -ndays works in the test of the first
#   minutes, and then in one client after the other no more.
# Versions: Debian 12: openjdk-17-jre-headless 17.0.21.1+2-1~deb12u1 (PKIXRevocationChecker, given the answer), libnss3-tools and libnss3
#   2:3.87.1-1+deb12u4 (ocspclnt, which asks for it), openssl; answers signed in the past by libfaketime 0.9.10-2.1.
# Seen: "signed now: openssl good, Java good, NSS good", "14 minutes ago: openssl good, Java good, NSS good", "16 minutes ago: openssl good, Java
#   out of date, NSS good", "23 hours ago": the same, "25 hours ago: openssl good, Java out of date, NSS out of date", "23 hours ago, with a
#   nextUpdate: openssl good, Java good, NSS good", "23 hours ago, clockSkew of a day: Java good".
#   (Java: "Response is unreliable: its validity interval is out-of-date"; NSS: "The OCSP response contains out-of-date information.")
# Why it matters: give every answer a nextUpdate, also one that is made for each request: a cache or a staple makes it old. GnuTLS ends it after
#   15 days (wget-apt-valid-staple-refused.sh), strongSwan after 30 seconds (strongswan-thirty-seconds-without-nextupdate.sh).
# Clause: RFC 6960, 4.2.2.1: without nextUpdate newer information is available all the time; it sets no age.
set -euo pipefail
dir=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

nss='2:3.87.1-1+deb12u4'
timeout 120 apt-get -qq -o APT::Sandbox::User=root download openjdk-17-jre-headless=17.0.21.1+2-1~deb12u1 "libnss3-tools=$nss" \
  "libnss3=$nss" libnspr4=2:4.35-1 libfaketime=0.9.10-2.1 || { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
# (What a JRE has in /etc is looked for there; here it is beside it.)
jre=$dir/root/usr/lib/jvm/java-17-openjdk-amd64
find "$jre" -type l -lname '/etc/java-17-openjdk/*' -printf '%p %l\n' | while read -r link to; do ln -sfn "$dir/root$to" "$link"; done
libraries=$(dirname "$(find "$dir/root" -name libnss3.so)")
faketime=$dir/root/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1
nss() { LD_LIBRARY_PATH=$libraries timeout 20 "$dir/root/usr/bin/$1" "${@:2}"; }
past() { LD_PRELOAD=$faketime FAKETIME=$1 "${@:2}"; }

cat >responder.js <<'JS'
const fs = require('node:fs')
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(fs.readFileSync('answer.der'))
  })
})
server.listen(0, '127.0.0.1', () => fs.writeFileSync('port', String(server.address().port)))
JS
timeout 240 node responder.js &
pids+=($!)
timeout 10 bash -c 'until [ -s port ]; do sleep 0.1; done' || changed 'no responder'

past -9d openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 30 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf 2>/dev/null
echo "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$(cat port)/" >leaf.ext
past -9d openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 20 -extfile leaf.ext -out leaf.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=leaf\n' >index.txt
mkdir db
nss certutil -N -d sql:db --empty-password
nss certutil -A -d sql:db -n ca -t CT,C,C -i ca.pem
nss certutil -A -d sql:db -n leaf -t ,, -i leaf.pem

cat >Check.java <<'JAVA'
import java.io.FileInputStream;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;

class Check {
    public static void main(String[] files) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        X509Certificate ca = (X509Certificate) factory.generateCertificate(new FileInputStream("ca.pem"));
        X509Certificate leaf = (X509Certificate) factory.generateCertificate(new FileInputStream("leaf.pem"));
        for (String file : files) {
            CertPathValidator validator = CertPathValidator.getInstance("PKIX");
            PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
            checker.setOptions(Set.of(PKIXRevocationChecker.Option.NO_FALLBACK));
            checker.setOcspResponses(Map.of(leaf, Files.readAllBytes(Path.of(file))));
            PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(ca, null)));
            parameters.addCertPathChecker(checker);
            String said = "good";
            try {
                validator.validate(factory.generateCertPath(List.of(leaf)), parameters);
            } catch (CertPathValidatorException e) {
                said = e.getMessage().contains("its validity interval is out-of-date") ? "out of date" : e.getMessage();
            }
            System.out.println(file + " " + said);
        }
    }
}
JAVA

# sign NAME TIME OPTIONS...
sign() {
  past "$2" openssl ocsp -CA ca.pem -issuer ca.pem -cert leaf.pem -index index.txt -rsigner ca.pem -rkey ca.key -no_nonce -noverify "${@:3}" \
    -respout "$1.der" >/dev/null 2>&1
}
sign now -0s
sign m14 -14m
sign m16 -16m
sign h23 -23h
sign h25 -25h
sign next -23h -ndays 2
timeout 60 "$jre/bin/java" Check.java {now,m14,m16,h23,h25,next}.der >java.txt 2>&1 || { cat java.txt; changed 'Java fails'; }
# try NAME FILE JAVA NSS
try() {
  local java nss
  openssl ocsp -respin "$2.der" -issuer ca.pem -cert leaf.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^leaf.pem: good' check.txt || { cat check.txt; changed "openssl does not take it: $1"; }
  java=$(sed -n "s/^$2.der //p" java.txt)
  cp "$2.der" answer.der
  nss ocspclnt -S leaf -d sql:db >nss.txt 2>&1 || true
  nss=$(sed -n 's/^Check of certificate "leaf" succeeded.*/good/p; s/.*contains out-of-date information.*/out of date/p' nss.txt)
  echo "$1: openssl good, Java $java, NSS $nss"
  [ "$java" = "$3" ] || { cat java.txt; changed "Java, $1: expected $3"; }
  [ "$nss" = "$4" ] || { cat nss.txt; changed "NSS, $1: expected $4"; }
}
try 'signed now' now good good
try '14 minutes ago' m14 good good
try '16 minutes ago' m16 'out of date' good
try '23 hours ago' h23 'out of date' good
try '25 hours ago' h25 'out of date' 'out of date'
try '23 hours ago, with a nextUpdate' next good good
skew=$(timeout 60 "$jre/bin/java" -Dcom.sun.security.ocsp.clockSkew=86400 Check.java h23.der)
echo "23 hours ago, clockSkew of a day: Java ${skew#h23.der }"
[ "$skew" = 'h23.der good' ] || changed 'clockSkew does not move it'
echo 'as described: 15 minutes, a day, no end'
