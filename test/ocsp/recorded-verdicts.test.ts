import test, { type ExecutionContext } from 'ava';
import {
  ArchiveCutoff,
  HashAlgorithm,
  loadDerOcspRequest,
  loadDerOcspResponse,
  type OCSPRequest,
  type OCSPResponse,
  PreferredSignatureAlgorithms,
} from 'openssl-ocsp';
import {
  asRecorded,
  codeFor,
  isError,
  memberFor,
  type Recorded,
  type RecordedCase,
  type RecordedMessage,
} from '../helpers/recorded.js';
import { refuses } from '../helpers/refusals.js';
import { vector, vectorJson } from '../helpers/vectors.js';
import { differences } from './deliberate-differences.js';

type Message = OCSPRequest | OCSPResponse;

interface Wart {
  /** The entry of the table of differences. */
  why: keyof typeof differences;
  /** The attributes concerned (by the reference's names), or the verdict of loading. */
  attributes: readonly string[] | 'loads' | 'all but response_status';
  /** What holds instead. */
  check(t: ExecutionContext, message: Message): void;
}

/** The inputs on which the recording does not hold here. Everything else must be exactly as recorded. */
const warts: Record<string, Wart> = {
  'request/two requests': {
    why: 'severalEntries',
    attributes: 'loads',
    check: (t, message) => t.is((message as OCSPRequest).requests.length, 2),
  },
  'request/reference/x509/ocsp/req-multi-sha1.der': {
    why: 'severalEntries',
    attributes: 'loads',
    check: (t, message) => t.is((message as OCSPRequest).requests.length, 2),
  },
  'response/status 6 with bytes': {
    why: 'membersNeedSuccess',
    attributes: 'all but response_status',
    check: (t, message) => {
      for (const member of ['certificateStatus', 'responses', 'signature', 'extensions', 'producedAt'] as const) {
        refuses(t, 'ERR_OCSP_UNSUCCESSFUL', () => (message as OCSPResponse)[member]);
      }
    },
  },
  'response/sigalg dsa-sha384': {
    why: 'dsaSha384Readable',
    attributes: ['signature_hash_algorithm'],
    check: (t, message) => t.is((message as OCSPResponse).signatureHashAlgorithm, HashAlgorithm.SHA384),
  },
  'response/sigalg rsa-pss sha256': {
    why: 'pssReadable',
    attributes: ['signature_hash_algorithm'],
    check: (t, message) => t.is((message as OCSPResponse).signatureHashAlgorithm, HashAlgorithm.SHA256),
  },
  'request/ext preferred signature algorithms': {
    why: 'moreExtensionTypes',
    attributes: ['extensions'],
    check: (t, message) => t.true([...message.extensions][0]?.value instanceof PreferredSignatureAlgorithms),
  },
  'response/singleExtensions archive cutoff': {
    why: 'moreExtensionTypes',
    attributes: ['single_extensions'],
    check: (t, message) => {
      const value = [...(message as OCSPResponse).singleExtensions][0]?.value as ArchiveCutoff;
      t.true(value instanceof ArchiveCutoff);
      t.is(value.archiveCutoff.toISOString(), '2020-01-01T00:00:00.000Z');
    },
  },
};

function load(kind: string, bytes: Uint8Array): Message {
  return kind === 'request' ? loadDerOcspRequest(bytes) : loadDerOcspResponse(bytes);
}

function check(t: ExecutionContext, id: string, kind: string, bytes: Buffer, loaded: RecordedMessage): void {
  const wart = warts[id];
  if (isError(loaded) && wart === undefined) {
    refuses(t, codeFor(loaded), () => load(kind, bytes));
    return;
  }
  const message = load(kind, bytes);
  wart?.check(t, message);
  t.deepEqual(message.publicBytes(), bytes);
  if (wart?.attributes === 'loads') return;
  for (const [attribute, recorded] of Object.entries(loaded)) {
    if (attribute === 'public_bytes_equals_input') continue;
    if (wart?.attributes === 'all but response_status' && attribute !== 'response_status') continue;
    if (wart?.attributes.includes(attribute)) continue;
    checkAttribute(t, message, attribute, recorded);
  }
}

function checkAttribute(t: ExecutionContext, message: Message, attribute: string, recorded: Recorded): void {
  const read = () => (message as unknown as Record<string, unknown>)[memberFor(attribute)];
  if (isError(recorded)) {
    const error = refuses(t, codeFor(recorded), read, attribute);
    if (recorded.oid) t.is(error?.oid, recorded.oid, attribute);
    refuses(t, codeFor(recorded), read, `${attribute}, read again`);
  } else {
    t.deepEqual(asRecorded(attribute, read(), recorded), recorded, attribute);
    t.deepEqual(asRecorded(attribute, read(), recorded), recorded, `${attribute}, read again`);
  }
}

const seen = new Set<string>();

for (const { name, kind, der_hex, loaded } of vectorJson<{ cases: RecordedCase[] }>('reference/cases.json').cases) {
  const id = `${kind}/${name}`;
  seen.add(id);
  test(`${id}${differing(id)}`, (t) => check(t, id, kind, Buffer.from(der_hex, 'hex'), loaded));
}

const { vectors } = vectorJson<{ vectors: Record<string, { kind: string; loaded: RecordedMessage }> }>(
  'reference/expected.json',
);
for (const [path, { kind, loaded }] of Object.entries(vectors)) {
  const id = `${kind}/reference/${path}`;
  seen.add(id);
  test(`${id}${differing(id)}`, (t) => check(t, id, kind, vector(`reference/${path}`), loaded));
}

test('every wart is one of the recorded inputs', (t) => {
  for (const id of Object.keys(warts)) t.true(seen.has(id), id);
  t.true(seen.size >= 150);
});

function differing(id: string): string {
  const wart = warts[id];
  return wart ? ` (differs: ${differences[wart.why].here})` : '';
}
