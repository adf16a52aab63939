/** The programs of docs/ev-charging.md work as they are written there. */
import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type Server, type TLSSocket } from 'node:tls';
import test from 'ava';
import { verifyOcspResponse } from 'openssl-ocsp';
import type { OCSPClient, Stapler } from 'openssl-ocsp/client';
import { TestResponder, TestResponseKit } from 'openssl-ocsp/testing';
import { docPrograms } from '../helpers/doc-programs.js';

interface Data {
  hashAlgorithm: string;
  issuerNameHash: string;
  issuerKeyHash: string;
  serialNumber: string;
  responderURL: string;
}
interface Answer {
  status: string;
  ocspResult?: string;
  statusInfo?: { reasonCode: string; additionalInfo: string };
}
type Handler = (message: { ocspRequestData: Data }) => Promise<Answer>;
interface Programs {
  certificateStatusHandler(issuers: X509Certificate[], options?: object): Handler;
  ocspRequestData(certificate: X509Certificate, issuer: X509Certificate, hashAlgorithm?: string): Data;
  ocspRequestDataOf(chain: X509Certificate[]): Data[];
  station(
    tls: object,
    call: (action: string, message: { ocspRequestData: Data }) => Promise<Answer>,
    folder: string,
    onConnection: (socket: TLSSocket) => void,
  ): Promise<{ server: Server; stapler: Stapler; client: OCSPClient }>;
}

const kit = new TestResponseKit();
const { names, folder, load } = docPrograms('ev-charging.md');
const PATIENT = { timeout: 100_000, hedgeAfter: 50_000, allowPrivateAddresses: ['127.0.0.1'] };
const issuers = [kit.root.certificate, kit.ca.certificate];

test('all programs are known here', (t) => {
  t.deepEqual([...names].sort(), ['back-end.mjs', 'hash-data.mjs', 'station.mjs']);
});

test('hash-data.mjs and back-end.mjs', async (t) => {
  const { certificateStatusHandler } = await load<Programs>('back-end.mjs');
  const { ocspRequestData, ocspRequestDataOf } = await load<Programs>('hash-data.mjs');
  await using responder = await TestResponder.start(kit.ca);
  const contract = kit.ca.issue({ serialNumber: 0x0a1bn, aia: { ocsp: responder.url } });
  const question = { certificate: contract.certificate, issuer: kit.ca.certificate };
  const statusOf = ({ ocspResult }: Answer) =>
    ocspResult && verifyOcspResponse(Buffer.from(ocspResult, 'base64'), question).status;
  const handle = certificateStatusHandler(issuers, PATIENT);
  for (const hash of ['sha256', 'sha384', 'sha512']) {
    const data = ocspRequestData(contract.certificate, kit.ca.certificate, hash);
    t.like(data, { hashAlgorithm: hash.toUpperCase(), serialNumber: 'a1b', responderURL: responder.url });
    const answer = await handle({ ocspRequestData: data });
    t.is(answer.status, 'Accepted', JSON.stringify(answer));
    t.is(statusOf(answer), 'good');
    t.is(responder.requests.at(-1)?.hashAlgorithm as string, hash);
  }
  const data = ocspRequestData(contract.certificate, kit.ca.certificate);
  // As others write it.
  const asked = responder.requests.length;
  for (const serialNumber of ['0x0A1B', '0a:1b', '0A1B']) {
    t.is((await handle({ ocspRequestData: { ...data, serialNumber } })).status, 'Accepted');
  }
  t.is(responder.requests.length, asked);
  for (const [behaviour, status] of [
    ['revoked', 'revoked'],
    ['unknown', 'unknown'],
  ] as const) {
    responder.behaviour = behaviour;
    const answer = await certificateStatusHandler(issuers, PATIENT)({ ocspRequestData: data });
    t.is(answer.status, 'Accepted');
    t.is(statusOf(answer), status);
  }
  const failures: [Partial<Data>, typeof responder.behaviour, string][] = [
    [{}, 'tryLater', 'NoAnswer'],
    [{}, 'broken-signature', 'NoAnswer'],
    [{}, 'gone', 'NoAnswer'],
    [{ issuerKeyHash: 'zz' }, 'good', 'BadRequestData'],
    [{ hashAlgorithm: 'MD5' }, 'good', 'BadRequestData'],
    [{ serialNumber: '' }, 'good', 'BadRequestData'],
    [{ issuerNameHash: '00'.repeat(32) }, 'good', 'UnknownIssuer'],
    [{ responderURL: 'ldap://x/' }, 'good', 'InternalError'],
  ];
  for (const [change, behaviour, reasonCode] of failures) {
    responder.behaviour = behaviour;
    const answer = await certificateStatusHandler(issuers, PATIENT)({ ocspRequestData: { ...data, ...change } });
    t.like(answer, { status: 'Failed', statusInfo: { reasonCode } });
    t.is(answer.ocspResult, undefined);
  }
  // The URL leads into the back end's own network.
  responder.behaviour = 'good';
  const count = responder.requests.length;
  t.is((await certificateStatusHandler(issuers)({ ocspRequestData: data })).statusInfo?.reasonCode, 'NoAnswer');
  t.is(responder.requests.length, count);
  t.deepEqual(
    ocspRequestDataOf([contract.certificate, kit.ca.certificate, kit.root.certificate]).map(
      ({ serialNumber }) => serialNumber,
    ),
    [contract, kit.ca].map(({ certificate }) => BigInt(`0x${certificate.serialNumber}`).toString(16)),
  );
});

test('station.mjs, by way of the back end', async (t) => {
  const { certificateStatusHandler } = await load<Programs>('back-end.mjs');
  const { station } = await load<Programs>('station.mjs');
  await using responder = await TestResponder.start(kit.ca);
  const secc = kit.ca.issue({ subject: 'CN=localhost', dnsNames: ['localhost'], aia: { ocsp: responder.url } });
  const handle = certificateStatusHandler(issuers, PATIENT);
  const actions = new Set<string>();
  let isConnected = true;
  const call = async (action: string, message: { ocspRequestData: Data }) => {
    actions.add(action);
    return isConnected ? await handle(message) : { status: 'Failed' };
  };
  const tls = { cert: secc.certificatePem + kit.ca.certificatePem, key: secc.privateKeyPem };
  for (const round of ['asked', 'from the folder, without the back end']) {
    const { server, stapler, client } = await station(tls, call, join(folder, 'staples'), (socket) => socket.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const options: ConnectionOptions & { requestOCSP: true } = {
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      servername: 'localhost',
      ca: kit.root.certificatePem,
      requestOCSP: true,
    };
    const vehicle = connect(options);
    const [staple] = (await once(vehicle, 'OCSPResponse')) as [Buffer | null];
    t.truthy(staple, stapler.states()[0]?.result?.explain());
    const verdict = verifyOcspResponse(staple ?? Buffer.alloc(0), {
      certificate: secc.certificate,
      issuer: kit.ca.certificate,
    });
    t.is(verdict.status, 'good', round);
    vehicle.destroy();
    await stapler.close();
    await client.close();
    server.close();
    isConnected = false;
  }
  t.deepEqual([...actions], ['GetCertificateStatus']);
});
