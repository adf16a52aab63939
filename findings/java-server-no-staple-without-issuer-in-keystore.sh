#!/usr/bin/env bash
# A Java TLS server with stapling switched on never asks the responder when its key store holds the server's certificate alone.
#
# Expected: a certificate that comes straight from a root which the clients hold is sent alone, as TLS allows, and is stapled. The
#   server is given the root as a trusted certificate, in the same key store and in its trust manager; so it can make the CertID.
# Instead: no request goes out, no staple is sent, and nothing is logged. The server takes the issuer from the chain of the key's own
#   entry, and from nowhere else. With the root in that chain it asks and staples.
# Seen: Debian openjdk-17 17.0.21.1+2-1~deb12u1, jdk.tls.server.enableStatusRequestExtension=true; client `openssl s_client -status`,
#   which trusts the root and verifies both:
#   chain of the key: leaf | Verify return code: 0 (ok) | OCSP response: no response sent | 0 requests
#   chain of the key: leaf, root | Verify return code: 0 (ok) | OCSP Response Status: successful (0x0) | 1 request
# Matters: behind a private CA stapling is "on" and does nothing; a client that insists on a staple fails, and the log of the responder is empty.
#   Import the issuer into the chain of the key's entry, even where it is the root.
# Clause: RFC 8446 4.4.2 and RFC 5246 7.4.2: the root may be left out of the chain; a certificate with must-staple (RFC 7633) then cannot be used.
set -euo pipefail
dir=$(mktemp -d); pid=; trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
v=17.0.21.1+2-1~deb12u1
timeout 50 apt-get -qq -o APT::Sandbox::User=root download openjdk-17-jre-headless=$v openjdk-17-jdk-headless=$v >/dev/null
for deb in *.deb; do dpkg -x "$deb" .; done
java=$dir/usr/lib/jvm/java-17-openjdk-amd64
find "$java" -type l -lname '/etc/java-17-openjdk/*' -printf '%p %l\n' | while read -r link to; do ln -sfn "$dir$to" "$link"; done

{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 20 -out leaf.pem
  openssl pkcs12 -export -in leaf.pem -inkey leaf.key -passout pass:secret -out leaf.p12
  openssl pkcs12 -export -in leaf.pem -inkey leaf.key -certfile ca.pem -passout pass:secret -out leaf-root.p12
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' > index.txt
  openssl ocsp -issuer ca.pem -cert leaf.pem -CA ca.pem -rsigner ca.pem -rkey ca.key -index index.txt -ndays 1 -noverify -respout good
} >log 2>&1 || { cat log; exit 1; }

cat > Serve.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.io.FileInputStream;
import java.net.*;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Serve {
  static int requests;

  public static void main(String[] args) throws Exception {
    var responder = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    byte[] answer = Files.readAllBytes(Path.of("good"));
    responder.createContext("/", x -> {
      x.getRequestBody().readAllBytes();
      requests++;
      x.sendResponseHeaders(200, answer.length);
      x.getResponseBody().write(answer);
      x.close();
    });
    responder.start();
    System.setProperty("jdk.tls.server.enableStatusRequestExtension", "true");
    System.setProperty("jdk.tls.stapling.responderURI", "http://127.0.0.1:" + responder.getAddress().getPort() + "/");
    char[] secret = "secret".toCharArray();
    var store = KeyStore.getInstance("PKCS12");
    try (var key = new FileInputStream(args[0]); var root = new FileInputStream("ca.pem")) {
      store.load(key, secret);
      store.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(root));
    }
    var keys = KeyManagerFactory.getInstance("PKIX");
    var trust = TrustManagerFactory.getInstance("PKIX");
    keys.init(store, secret);
    trust.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    var listener = context.getServerSocketFactory().createServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
    Files.writeString(Path.of("port.new"), "" + listener.getLocalPort());
    Files.move(Path.of("port.new"), Path.of("port"));
    try (var socket = (SSLSocket) listener.accept()) {
      socket.startHandshake();
      System.out.println(requests + (requests == 1 ? " request" : " requests"));
      socket.getInputStream().read();
    }
    System.exit(0);
  }
}
JAVA
handshake() {
  rm -f port
  timeout 30 "$java/bin/java" -XX:TieredStopAtLevel=1 Serve.java "$1" >served 2>&1 & pid=$!
  for _ in $(seq 200); do [ -e port ] || sleep 0.1; done
  timeout 15 openssl s_client -connect "127.0.0.1:$(cat port)" -CAfile ca.pem -status </dev/null >said 2>&1 || true
  wait "$pid" || true; pid=
  echo "$(grep -om1 'Verify return code: .*' said) | $(grep -om1 'OCSP response: no response sent\|OCSP Response Status: .*' said) | $(cat served)"
}
handshake leaf.p12 >one; handshake leaf-root.p12 >two
got="chain of the key: leaf | $(cat one)
chain of the key: leaf, root | $(cat two)"
echo "$got"
want='chain of the key: leaf | Verify return code: 0 (ok) | OCSP response: no response sent | 0 requests
chain of the key: leaf, root | Verify return code: 0 (ok) | OCSP Response Status: successful (0x0) | 1 request'
[ "$got" = "$want" ] || { echo "changed: OpenJDK 17.0.21.1 says otherwise than the header"; exit 1; }
echo "as described"
