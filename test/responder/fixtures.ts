/** A CA with a responder over a list that tests change, and questions about its certificates. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import {
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPNonce,
  OCSPRequestBuilder,
  type OCSPResponse,
  OCSPResponseStatus,
  verifyOcspResponse,
} from 'openssl-ocsp';
import type { StatusEntry } from 'openssl-ocsp/bulk';
import {
  Responder,
  type ResponderIssuerOptions,
  type ResponderOptions,
  type StatusAuthority,
} from 'openssl-ocsp/responder';
import { createTestCa, type TestCa, type TestIdentity } from 'openssl-ocsp/testing';

export const ca = createTestCa({ subject: 'CN=Responder CA' });
export const delegate = ca.issueResponder({ subject: 'CN=Delegate' });
export const GOOD: StatusEntry = { serialNumber: '1001', status: OCSPCertStatus.GOOD };
export const REVOKED: StatusEntry = {
  serialNumber: '1002',
  status: OCSPCertStatus.REVOKED,
  revocationTime: new Date('2026-01-02T03:04:05Z'),
  reason: 'keyCompromise',
};

/** A list in memory that changes under the responder. */
export class TestAuthority implements StatusAuthority {
  readonly entries = new Map<string, StatusEntry>();
  lagging = 0;
  lookups = 0;

  constructor(entries: Iterable<StatusEntry> = [GOOD, REVOKED]) {
    for (const entry of entries) this.set(entry);
  }

  set(entry: StatusEntry): void {
    this.entries.set(String(entry.serialNumber).toUpperCase(), entry);
  }

  lookup({ serialNumber }: { serialNumber: string }): StatusEntry | undefined {
    this.lookups += 1;
    return this.entries.get(serialNumber);
  }

  lag(): number {
    return this.lagging;
  }
}

export function issuerOptions(changes: Partial<ResponderIssuerOptions> = {}): ResponderIssuerOptions {
  return {
    certificate: ca.certificate,
    authority: new TestAuthority(),
    signers: [{ responder: delegate.certificate, privateKey: delegate.privateKey }],
    ...changes,
  };
}

/** A responder for {@link ca}, closed at the end of the test. */
export function makeResponder(
  t: ExecutionContext,
  issuer: Partial<ResponderIssuerOptions> = {},
  options: Partial<ResponderOptions> = {},
): Responder {
  const responder = new Responder({ issuers: [issuerOptions(issuer)], ...options });
  t.teardown(() => responder.close());
  return responder;
}

/** DER of a request. */
export function ask(
  serials: readonly (string | bigint)[],
  {
    hash = 'sha256',
    nonce,
    issuer = ca,
  }: { hash?: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'; nonce?: Uint8Array; issuer?: TestIdentity } = {},
): Buffer {
  let builder = new OCSPRequestBuilder();
  for (const serial of serials) {
    const probe = idOf(issuer, hash);
    builder = builder.addCertificateByHash(probe.name, probe.key, serial, hash);
  }
  if (nonce !== undefined) builder = builder.addExtension(new OCSPNonce(nonce), false);
  return builder.build().publicBytes();
}

const ids = new Map<string, { name: Buffer; key: Buffer }>();

function idOf(
  issuer: TestIdentity,
  hash: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512',
): { name: Buffer; key: Buffer } {
  const id = `${issuer.certificate.fingerprint256} ${hash}`;
  let found = ids.get(id);
  if (found === undefined) {
    const own = (issuer as TestCa).issue({ serialNumber: 1n });
    const request = new OCSPRequestBuilder().addCertificate(own.certificate, issuer.certificate, hash).build();
    found = { name: request.issuerNameHash, key: request.issuerKeyHash };
    ids.set(id, found);
  }
  return found;
}

/** The answer of a responder, which has to be one that a client accepts: signature, times, CertID. */
export async function statusOf(responder: Responder, der: Buffer, issuer: TestIdentity = ca): Promise<string> {
  const answer = await responder.answer(der);
  return statusIn(answer.der, der, issuer);
}

/** `good`, `revoked`, `unknown`, or the name of the error; what a client would refuse is `refused`. */
export function statusIn(der: Buffer, request: Buffer, issuer: TestIdentity = ca): string {
  const response: OCSPResponse = loadDerOcspResponse(der);
  if (response.responseStatus !== OCSPResponseStatus.SUCCESSFUL)
    return OCSPResponseStatus[response.responseStatus] as string;
  const verdict = verifyOcspResponse(der, { request, issuer: issuer.certificate });
  return verdict.status ?? `refused: ${verdict.explain()}`;
}

/** A server of the responder on a free port. */
export async function listen(
  t: ExecutionContext,
  responder: Responder,
): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(responder.listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, server };
}
