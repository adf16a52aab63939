#!/usr/bin/env bash
# A Java TLS server that staples asks the responder inside of the handshake, and remembers no failure: while the responder is silent,
# every single handshake takes five seconds longer.
#
# Expected: stapling takes the responder out of the way of the handshake; at worst the first one waits, and then the server goes on
#   without a staple for a while.
# Instead: the server keeps an answer, but never that there was none. Each handshake of a client that asks for a staple (a Java client
#   does unless told otherwise) sends a request of its own and waits for it up to jdk.tls.stapling.responseTimeout, 5000 ms, then goes
#   on without. A tryLater is not kept either: one request to the busy responder for each handshake.
# Seen: Debian openjdk-17 17.0.21.1+2-1~deb12u1 as server and as client, jdk.tls.server.enableStatusRequestExtension=true; per handshake:
#   good: staple, 1 request, at once | staple, 0 requests, at once
#   tryLater: no staple, 1 request, at once | no staple, 1 request, at once
#   silent: no staple, 1 request, waited 5 s | no staple, 1 request, waited 5 s
# Matters: an outage of the responder, or a firewall that drops, looks like a slow Java service; and a responder that sheds load by
#   tryLater gets the full rate of handshakes. Lower jdk.tls.stapling.responseTimeout, and put a cache in front by
#   jdk.tls.stapling.responderURI, which always has the last good answer.
# Clause: RFC 6960 2.3: tryLater asks to try again later; RFC 6066 8 leaves it to the server how it gets the response.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
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
  openssl pkcs12 -export -in leaf.pem -inkey leaf.key -certfile ca.pem -passout pass:secret -out server.p12
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' > index.txt
  openssl ocsp -issuer ca.pem -cert leaf.pem -CA ca.pem -rsigner ca.pem -rkey ca.key -index index.txt -ndays 1 -noverify -respout good
  printf '\x30\x03\x0a\x01\x03' > tryLater
} >log 2>&1 || { cat log; exit 1; }

cat > Shake.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.io.FileInputStream;
import java.net.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.util.concurrent.*;
import javax.net.ssl.*;

public class Shake {
  static volatile int requests;
  static volatile String kind;
  static final char[] SECRET = "secret".toCharArray();

  static SSLContext context(boolean server) throws Exception {
    var store = KeyStore.getInstance("PKCS12");
    var keys = KeyManagerFactory.getInstance("PKIX");
    var trust = TrustManagerFactory.getInstance("PKIX");
    try (var in = new FileInputStream(server ? "server.p12" : "ca.pem")) {
      store.load(server ? in : null, SECRET);
      if (!server) store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    keys.init(store, SECRET);
    trust.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(server ? keys.getKeyManagers() : null, server ? null : trust.getTrustManagers(), null);
    return context;
  }

  static String shake(int port) throws Exception {
    int before = requests;
    var client = context(false).getSocketFactory();
    long start = System.nanoTime();
    try (var socket = (SSLSocket) client.createSocket("127.0.0.1", port)) {
      socket.startHandshake();
      double seconds = (System.nanoTime() - start) / 1e9;
      boolean staple = !((ExtendedSSLSession) socket.getSession()).getStatusResponses().isEmpty();
      int sent = requests - before;
      return (staple ? "staple, " : "no staple, ") + sent + (sent == 1 ? " request, " : " requests, ") + (seconds < 4.9 ? "at once" : "waited 5 s");
    }
  }

  public static void main(String[] args) throws Exception {
    var responder = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    responder.setExecutor(Executors.newCachedThreadPool());
    responder.createContext("/", x -> {
      x.getRequestBody().readAllBytes();
      requests++;
      if (kind.equals("silent")) return;
      byte[] answer = Files.readAllBytes(Path.of(kind));
      x.sendResponseHeaders(200, answer.length);
      x.getResponseBody().write(answer);
      x.close();
    });
    responder.start();
    System.setProperty("jdk.tls.server.enableStatusRequestExtension", "true");
    System.setProperty("jdk.tls.stapling.responderURI", "http://127.0.0.1:" + responder.getAddress().getPort() + "/");
    for (String k : new String[] {"good", "tryLater", "silent"}) {
      kind = k;
      var listener = context(true).getServerSocketFactory().createServerSocket(0, 5, InetAddress.getByName("127.0.0.1"));
      var thread = new Thread(() -> {
        while (true) try (var socket = (SSLSocket) listener.accept()) {
          socket.startHandshake();
          socket.getInputStream().read();
        } catch (Exception e) { }
      });
      thread.setDaemon(true);
      thread.start();
      System.out.println(k + ": " + shake(listener.getLocalPort()) + " | " + shake(listener.getLocalPort()));
    }
    System.exit(0);
  }
}
JAVA
got=$(timeout 50 "$java/bin/java" -XX:TieredStopAtLevel=1 Shake.java)
echo "$got"
want='good: staple, 1 request, at once | staple, 0 requests, at once
tryLater: no staple, 1 request, at once | no staple, 1 request, at once
silent: no staple, 1 request, waited 5 s | no staple, 1 request, waited 5 s'
[ "$got" = "$want" ] || { echo "changed: OpenJDK 17.0.21.1 says otherwise than the header"; exit 1; }
echo "as described"
