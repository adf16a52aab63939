import test, { type ExecutionContext } from 'ava';
import {
  loadDerOcspRequest,
  loadDerOcspResponse,
  OCSPCertStatus,
  OCSPRequest,
  type OCSPResponse,
  type OCSPSingleResponse,
} from 'openssl-ocsp';
import { refuses } from '../helpers/refusals.js';
import { vector, vectorJson } from '../helpers/vectors.js';
import { differs } from './deliberate-differences.js';

interface CertIdFacts {
  hash_alg: string;
  issuer_name_hash: string;
  issuer_key_hash: string;
  serial_dec: string;
}

interface SingleFacts extends CertIdFacts {
  cert_status: string;
  reason?: number;
  revocation_time?: string;
  this_update: string;
  next_update: string | null;
}

/** What libcrypto 3.0.19 and pyca/cryptography read in a message of some other project. */
interface ThirdPartyCase {
  id: string;
  kind: 'request' | 'response';
  file: string;
  derived: {
    openssl: {
      parse_ok: boolean;
      basic_ok?: boolean;
      response_status?: number;
      requests?: CertIdFacts[];
      single?: SingleFacts[];
      produced_at?: string;
      sig_alg?: string;
      n_certs?: number;
    };
    pyca: { parse_ok: boolean; error?: string };
  };
}

const hashOid: Record<string, string> = {
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
const reasons =
  'unspecified keyCompromise cACompromise affiliationChanged superseded cessationOfOperation certificateHold - removeFromCRL privilegeWithdrawn aACompromise'.split(
    ' ',
  );

function time(text: string): string {
  return text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
}

function checkCertId(
  t: ExecutionContext,
  entry: Pick<OCSPSingleResponse, 'hashAlgorithm' | 'issuerNameHash' | 'issuerKeyHash' | 'serialNumber'>,
  facts: CertIdFacts,
): void {
  t.is(hashOid[entry.hashAlgorithm], facts.hash_alg);
  t.is(entry.issuerNameHash.toString('hex'), facts.issuer_name_hash);
  t.is(entry.issuerKeyHash.toString('hex'), facts.issuer_key_hash);
  t.is(entry.serialNumber, BigInt(facts.serial_dec));
}

function checkResponse(t: ExecutionContext, response: OCSPResponse, facts: ThirdPartyCase['derived']['openssl']): void {
  t.is(response.responseStatus, facts.response_status as never);
  t.is(response.producedAt.toISOString(), time(facts.produced_at ?? ''));
  t.is(response.signatureAlgorithmOid, facts.sig_alg as never);
  t.is(response.certificates.length, facts.n_certs as never);
  const singles = facts.single ?? [];
  // The recording stops at twenty entries or fewer.
  t.true(response.responses.length >= singles.length);
  for (const [i, expected] of singles.entries()) {
    const single = response.responses[i]!;
    checkCertId(t, single, expected);
    t.is(OCSPCertStatus[single.certificateStatus]?.toLowerCase(), expected.cert_status);
    t.is(single.thisUpdate.toISOString(), time(expected.this_update));
    t.is(single.nextUpdate?.toISOString(), expected.next_update ? time(expected.next_update) : undefined);
    t.is(single.revocationTime?.toISOString(), expected.revocation_time ? time(expected.revocation_time) : undefined);
    const reason = expected.reason === undefined || expected.reason < 0 ? null : reasons[expected.reason];
    t.is(single.revocationReason, reason as typeof single.revocationReason);
  }
}

for (const project of ['c2pa-rs', 'cfssl', 'golang-crypto', 'rustcrypto-x509-ocsp', 's2n-tls', 'zeek']) {
  for (const { id, kind, file, derived } of vectorJson<ThirdPartyCase[]>(`third-party/${project}/cases.json`)) {
    if (kind !== 'request' && kind !== 'response') continue;
    const load = (strict: boolean) =>
      (kind === 'request' ? loadDerOcspRequest : loadDerOcspResponse)(vector(`third-party/${file}`), { strict });
    const facts = derived.openssl;
    const opensslReads = facts.parse_ok && !(facts.response_status === 0 && !facts.basic_ok);
    const several = derived.pyca.error?.startsWith('NotImplementedError');

    test(`${project}: ${id}, as OpenSSL reads it`, (t) => {
      if (!opensslReads) {
        refuses(t, 'ERR_OCSP_MALFORMED', () => load(false));
        return;
      }
      const message = load(false);
      if (message instanceof OCSPRequest) {
        t.is(message.requests.length, facts.requests?.length as never);
        for (const [i, expected] of (facts.requests ?? []).entries()) checkCertId(t, message.requests[i]!, expected);
      } else {
        checkResponse(t, message, facts);
      }
    });

    test(`${project}: ${id}, strictly${several ? ` ${differs('severalEntries')}` : ''}`, (t) => {
      if (!derived.pyca.parse_ok && !several) {
        refuses(t, 'ERR_OCSP_MALFORMED', () => load(true));
        return;
      }
      const message = load(true);
      t.deepEqual(message.publicBytes(), vector(`third-party/${file}`));
      if (!(message instanceof OCSPRequest) && opensslReads) checkResponse(t, message, facts);
    });
  }
}
