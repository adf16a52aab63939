#!/usr/bin/env bash
# Bouncy Castle's revocation checker keeps an OCSP answer without nextUpdate, and does not ask again.
#
# Expected: an answer without nextUpdate says that newer information is there at any time, so every check of a certificate asks
#   the responder. Java's own checker does so: it keeps no answer, whatever stands in it.
# Instead: the checker of the provider "BC", by the same Java interface (PKIXRevocationChecker), asks each responder once about the
#   certificate, and answers the later checks out of a store of the process, which new validators and checkers share. It treats an
#   answer without nextUpdate like one that has a day left. No option of PKIXRevocationChecker speaks of that store.
# Seen: Debian openjdk-17 17.0.21.1+2-1~deb12u1, libbcprov-java 1.72-2; three checks, each with a new validator; requests that came:
#   SUN, with nextUpdate: ok ok ok, 3 requests
#   SUN, without nextUpdate: ok ok ok, 3 requests
#   BC, with nextUpdate: ok ok ok, 1 request
#   BC, without nextUpdate: ok ok ok, 1 request
# Matters: whoever leaves nextUpdate out so that clients see a change at once gets the opposite from a long-running service on
#   Bouncy Castle. Sign with a nextUpdate as near as the change has to be seen. On the other provider, count one request per check.
# Clause: RFC 6960 4.2.2.1: no nextUpdate means that newer revocation information is available all the time.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
v=17.0.21.1+2-1~deb12u1
timeout 50 apt-get -qq -o APT::Sandbox::User=root download openjdk-17-jre-headless=$v openjdk-17-jdk-headless=$v libbcprov-java=1.72-2 >/dev/null
for deb in *.deb; do dpkg -x "$deb" .; done
java=$dir/usr/lib/jvm/java-17-openjdk-amd64
find "$java" -type l -lname '/etc/java-17-openjdk/*' -printf '%p %l\n' | while read -r link to; do ln -sfn "$dir$to" "$link"; done

{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 20 -out leaf.pem
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' > index.txt
  answer() { openssl ocsp -issuer ca.pem -cert leaf.pem -CA ca.pem -rsigner ca.pem -rkey ca.key -index index.txt -noverify "$@"; }
  answer -ndays 1 -respout with
  answer -respout without
} >log 2>&1 || { cat log; exit 1; }

cat > Check.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.io.FileInputStream;
import java.net.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.util.*;

public class Check {
  static volatile int requests;

  static X509Certificate read(String file) throws Exception {
    try (var in = new FileInputStream(file)) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  static String check(String provider, URI responder) throws Exception {
    var validator = CertPathValidator.getInstance("PKIX", provider);
    var checker = (PKIXRevocationChecker) validator.getRevocationChecker();
    checker.setOcspResponder(responder);
    checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
    var parameters = new PKIXParameters(Set.of(new TrustAnchor(read("ca.pem"), null)));
    parameters.addCertPathChecker(checker);
    parameters.setRevocationEnabled(false);
    try {
      validator.validate(CertificateFactory.getInstance("X.509", provider).generateCertPath(List.of(read("leaf.pem"))), parameters);
      return "ok ";
    } catch (CertPathValidatorException e) {
      return e.getMessage() + " ";
    }
  }

  public static void main(String[] args) throws Exception {
    Security.addProvider((Provider) Class.forName("org.bouncycastle.jce.provider.BouncyCastleProvider").getConstructor().newInstance());
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", x -> {
      x.getRequestBody().readAllBytes();
      requests++;
      byte[] answer = Files.readAllBytes(Path.of(x.getRequestURI().getPath().split("/")[2]));
      x.sendResponseHeaders(200, answer.length);
      x.getResponseBody().write(answer);
      x.close();
    });
    server.start();
    for (String provider : List.of("SUN", "BC")) for (String kind : List.of("with", "without")) {
      requests = 0;
      var said = new StringBuilder();
      for (int i = 0; i < 3; i++) said.append(check(provider, new URI("http://127.0.0.1:" + server.getAddress().getPort() + "/" + provider + "/" + kind)));
      System.out.println(provider + ", " + kind + " nextUpdate: " + said.toString().trim() + ", " + requests + (requests == 1 ? " request" : " requests"));
    }
    System.exit(0);
  }
}
JAVA
# The store is held weakly: a heap that is never collected keeps the count exact.
got=$(timeout 40 "$java/bin/java" -XX:+UseSerialGC -Xms512m -Xmn400m -XX:MetaspaceSize=256m -XX:TieredStopAtLevel=1 -cp usr/share/java/bcprov-1.72.jar Check.java)
echo "$got"
want='SUN, with nextUpdate: ok ok ok, 3 requests
SUN, without nextUpdate: ok ok ok, 3 requests
BC, with nextUpdate: ok ok ok, 1 request
BC, without nextUpdate: ok ok ok, 1 request'
[ "$got" = "$want" ] || { echo "changed: Java or Bouncy Castle says otherwise than the header"; exit 1; }
echo "as described"
