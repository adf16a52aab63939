/** Clients that judge the staples of a Stapler: OpenJDK, Go, Chromium and Firefox, where they are installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { OCSPClient, Stapler } from 'openssl-ocsp/client';
import { createTestCa, TestResponder } from 'openssl-ocsp/testing';
import { testIf } from '../helpers/conditional.js';
import { Scratch } from '../helpers/openssl-cli.js';
import { hasProgram, runProgram } from '../helpers/programs.js';

const ca = createTestCa();

/** A server, and what a client makes of it: a request, or what it says as it ends the handshake. */
interface Site {
  readonly port: number;
  readonly outcome: Promise<string>;
}

/** Staples "good" and "revoked"; with "unknown" nothing. */
async function site(t: ExecutionContext, status: 'good' | 'revoked' | 'unknown', mustStaple = false): Promise<Site> {
  const responder = await TestResponder.start(ca, { behaviour: status });
  const client = new OCSPClient({ responders: [responder.url], timeout: 100_000, hedgeAfter: 50_000 });
  const stapler = new Stapler({ client, staple: 'good-or-revoked' });
  const { certificatePem, privateKeyPem } = ca.issue({
    subject: 'CN=localhost',
    dnsNames: ['localhost'],
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth'],
    mustStaple,
  });
  const server = createServer({ cert: certificatePem + ca.certificatePem, key: privateKeyPem });
  stapler.attach(server);
  await stapler.ready();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const outcome = new Promise<string>((resolve) => {
    server.on('request', (_request, response) => {
      response.end('<title>welcome</title>');
      resolve('request');
    });
    server.on('tlsClientError', ({ message }) => resolve(/alert [a-z ]+/.exec(message)?.[0] ?? message));
  });
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    for (const one of [stapler, client, responder]) await one.close();
  });
  return { port: (server.address() as AddressInfo).port, outcome };
}

function place(t: ExecutionContext): Scratch {
  const scratch = new Scratch();
  t.teardown(() => scratch[Symbol.dispose]());
  return scratch;
}

/** Ports of servers with a good staple, a revoked one, and none. */
async function ports(t: ExecutionContext): Promise<string[]> {
  const sites = [await site(t, 'good'), await site(t, 'revoked'), await site(t, 'unknown')];
  return sites.map(({ port }) => String(port));
}

/** Takes staples alone for an answer: the certificates name no responder. */
const JAVA = `import java.io.*;
import java.security.KeyStore;
import java.security.cert.*;
import java.util.EnumSet;
import javax.net.ssl.*;

public class Client {
  public static void main(String[] args) throws Exception {
    System.setProperty("jdk.tls.client.enableStatusRequestExtension", "true");
    var store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (var file = new FileInputStream(args[0])) {
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    for (var protocol : new String[] {"TLSv1.2", "TLSv1.3"}) {
      for (int i = 1; i < args.length; i++) {
        var checker = (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
        var parameters = new PKIXBuilderParameters(store, new X509CertSelector());
        parameters.addCertPathChecker(checker);
        var factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(new CertPathTrustManagerParameters(parameters));
        var context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        try (var socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", Integer.parseInt(args[i]))) {
          socket.setEnabledProtocols(new String[] {protocol});
          socket.startHandshake();
          System.out.println(protocol + " connected");
        } catch (SSLException e) {
          Throwable cause = e;
          while (cause.getCause() != null) cause = cause.getCause();
          var reason = cause instanceof CertPathValidatorException c ? c.getReason().toString() : "";
          System.out.println(protocol + " " + (cause instanceof CertificateRevokedException ? "REVOKED" : reason));
        }
      }
    }
  }
}
`;

testIf(hasProgram('javac'))('OpenJDK takes a staple "good", refuses one "revoked", and misses one', async (t) => {
  const scratch = place(t);
  const trust = scratch.write('ca.pem', ca.certificatePem);
  const { status, stdout, stderr } = await runProgram('java', [
    scratch.write('Client.java', JAVA),
    trust,
    ...(await ports(t)),
  ]);
  t.is(status, 0, stderr);
  // (The last: "Certificate does not specify OCSP responder".)
  const expected = ['connected', 'REVOKED', 'UNSPECIFIED'];
  t.deepEqual(
    stdout.trim().split('\n'),
    ['TLSv1.2', 'TLSv1.3'].flatMap((protocol) => expected.map((outcome) => `${protocol} ${outcome}`)),
  );
});

const GO = `package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"golang.org/x/crypto/ocsp"
)

func main() {
	pem, _ := os.ReadFile(os.Args[1])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, port := range os.Args[2:] {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: roots, ServerName: "localhost"})
		if err != nil {
			fmt.Println(err)
			continue
		}
		chain := conn.ConnectionState().VerifiedChains[0]
		if staple := conn.OCSPResponse(); len(staple) == 0 {
			fmt.Println("nothing")
		} else if response, err := ocsp.ParseResponseForCert(staple, chain[0], chain[1]); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println([]string{"good", "revoked", "unknown"}[response.Status])
		}
		conn.Close()
	}
}
`;
/** Where Debian has packages of Go. */
const GO_PACKAGES = '/usr/share/gocode';

testIf(hasProgram('go') && existsSync(`${GO_PACKAGES}/src/golang.org/x/crypto/ocsp`))(
  'Go is given the staple, and x/crypto/ocsp takes it',
  async (t) => {
    const scratch = place(t);
    const trust = scratch.write('ca.pem', ca.certificatePem);
    const env = { GO111MODULE: 'off', GOPATH: GO_PACKAGES, GOCACHE: scratch.path('cache'), GOFLAGS: '' };
    const args = ['run', scratch.write('client.go', GO), trust, ...(await ports(t))];
    const { status, stdout, stderr } = await runProgram('go', args, env);
    t.is(status, 0, stderr);
    t.deepEqual(stdout.trim().split('\n'), ['good', 'revoked', 'nothing']);
  },
);

/** A home in which the CA is trusted: the database of NSS, which both browsers read. */
async function trustingHome(t: ExecutionContext, folder: string): Promise<{ home: string; database: string }> {
  const scratch = place(t);
  const database = scratch.path(folder);
  mkdirSync(database, { recursive: true });
  for (const args of [
    ['-N', '--empty-password'],
    ['-A', '-n', 'ca', '-t', 'CT,,', '-i', scratch.write('ca.pem', ca.certificatePem)],
  ]) {
    const { status, stderr } = await runProgram('certutil', [...args, '-d', `sql:${database}`]);
    t.is(status, 0, stderr);
  }
  return { home: scratch.path(''), database };
}

/** Runs a browser until the server knows what it made of it. */
async function visit({ port, outcome }: Site, program: string, home: string, args: readonly string[]): Promise<string> {
  const child: ChildProcess = spawn(program, [...args, `https://localhost:${port}/`], {
    env: { ...process.env, HOME: home },
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(child, 'close');
  const result = await Promise.race([outcome, ended.then(() => 'nothing')]);
  // (With all of its processes, which would go on writing into the folder.)
  process.kill(-(child.pid as number), 'SIGKILL');
  await ended;
  return result;
}

testIf(hasProgram('chromium') && hasProgram('certutil'))(
  'Chromium takes a staple "good", refuses one "revoked", and does not miss one',
  async (t) => {
    for (const [status, mustStaple, expected] of [
      ['good', true, 'request'],
      ['revoked', false, 'alert certificate unknown'],
      ['unknown', true, 'request'],
    ] as const) {
      const { home } = await trustingHome(t, '.pki/nssdb');
      const profile = `--user-data-dir=${home}/profile`;
      const options = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', profile, '--dump-dom'];
      t.is(await visit(await site(t, status, mustStaple), 'chromium', home, options), expected);
    }
  },
);

testIf(hasProgram('firefox-esr') && hasProgram('certutil'))(
  'Firefox takes a staple "good", refuses one "revoked", and misses one where the certificate says that there is one',
  async (t) => {
    for (const [status, mustStaple, expected] of [
      ['good', true, 'request'],
      ['revoked', false, 'alert certificate revoked'],
      ['unknown', true, 'alert bad certificate'],
      ['unknown', false, 'request'],
    ] as const) {
      const { home, database } = await trustingHome(t, 'profile');
      const options = ['--headless', '--no-remote', '--profile', database];
      t.is(await visit(await site(t, status, mustStaple), 'firefox-esr', home, options), expected);
    }
  },
);
