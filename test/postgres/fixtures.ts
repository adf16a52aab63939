/** What the tests of PostgreSQL share. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { OCSPRequestBuilder } from 'openssl-ocsp';
import { PostgresAuthority, type PostgresAuthorityOptions } from 'openssl-ocsp/postgres';
import { runSql } from '../helpers/postgres-server.js';

/** The number of a CA, brought in as by somebody who knows SQL and no more of this package than its documents. */
export async function addIssuer(url: string, certificate: X509Certificate): Promise<number> {
  const request = new OCSPRequestBuilder().addCertificate(certificate, certificate, 'sha256').build();
  const [row] = await runSql(
    url,
    'INSERT INTO ocsp_issuer (name, name_hash, key_hash) VALUES ($1, $2, $3) RETURNING id',
    [
      `a CA; ${createHash('sha1').update(certificate.raw).digest('hex')}`,
      request.issuerNameHash,
      request.issuerKeyHash,
    ],
  );
  return row?.['id'] as number;
}

/** An authority that is closed at the end of the test. */
export function authorityOf(
  t: ExecutionContext,
  url: string,
  issuer: X509Certificate,
  options: Omit<PostgresAuthorityOptions, 'issuer'> = {},
): PostgresAuthority {
  const authority = new PostgresAuthority(url, { issuer, ...options });
  t.teardown(() => authority.close());
  return authority;
}

/** Makes this the second in which all certificates changed last. */
export async function changedAt(url: string, second: number): Promise<void> {
  // (Past the trigger.)
  await runSql(url, `SET session_replication_role = replica; UPDATE ocsp_status SET version = ${second}`);
}

/** thisUpdate of what `makeCrl` gives, in seconds since 1970-01-01. */
export function thisUpdateOf(crl: Buffer): number {
  const [digits = ''] = /\d{14}(?=Z)/.exec(crl.toString('latin1')) ?? [];
  return Date.parse(digits.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z')) / 1000;
}
