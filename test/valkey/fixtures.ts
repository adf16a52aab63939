/** Stores over real servers, and what goes into them. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'iovalkey';
import { OCSPCertStatus } from 'openssl-ocsp';
import type { ResponseRecord } from 'openssl-ocsp/bulk';
import { buildTestResponse } from 'openssl-ocsp/testing';
import { ValkeyStore, type ValkeyStoreOptions } from 'openssl-ocsp/valkey';
import type { RedisServer } from '../helpers/redis-server.js';
import { ca, delegate } from '../responder/fixtures.js';

/** Milliseconds for a command: machines may be slow. */
export const PATIENT = 20_000;
export const NOW: number = Math.floor(Date.now() / 1000);

/** A store over these servers, closed with the test. */
export async function open(
  t: ExecutionContext,
  servers: readonly RedisServer[],
  options: Partial<ValkeyStoreOptions> = {},
): Promise<ValkeyStore> {
  const store = await ValkeyStore.open({
    servers: servers.map(({ socket }) => socket),
    issuer: ca.certificate,
    timeout: PATIENT,
    memoryTime: 0,
    ...options,
  });
  t.teardown(() => store.close());
  return store;
}

/** A client of the test's own. */
export function client(t: ExecutionContext, { socket }: RedisServer): Redis {
  const redis = new Redis(socket);
  t.teardown(() => redis.disconnect());
  return redis;
}

const STATUS = ['good', 'revoked', 'unknown'] as const;

/** A real response of the delegate, as it goes into a store. */
export function answer(
  change: Partial<ResponseRecord> & { serial?: string } = {},
): ResponseRecord & { serial: string } {
  const record = {
    serial: '1001',
    statusVersion: 1,
    producedAt: NOW,
    certStatus: OCSPCertStatus.GOOD,
    nextUpdate: NOW + 90_000,
    ...change,
  };
  const { serial, producedAt, certStatus, nextUpdate } = record;
  const der = buildTestResponse({
    signer: delegate,
    certificates: [delegate.certificate],
    producedAt: new Date(producedAt * 1000),
    entries: [
      {
        certificate: ca.certificate,
        issuer: ca.certificate,
        serialNumber: BigInt(`0x${serial}`),
        status: STATUS[certStatus],
        thisUpdate: new Date(producedAt * 1000),
        nextUpdate: nextUpdate === null ? null : new Date(nextUpdate * 1000),
      },
    ],
  });
  return { der, ...record, hashAlgorithm: 'sha1' };
}
