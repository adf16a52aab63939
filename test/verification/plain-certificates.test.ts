// Certificates that are read without OpenSSL: what that says, OpenSSL says as well.
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { OCSPRequestBuilder, verifyOcspResponse } from 'openssl-ocsp';
import { buildTestResponse, createTestCa, TestResponseKit } from 'openssl-ocsp/testing';
import { native } from '#dist/binding.js';
import { signatureAlgorithm, signBytes } from '#dist/testing/signature.js';
import { toCertificate } from '#dist/x509/certificate.js';
import { extension, hex, octets, sequence, tlv } from '../helpers/der.js';
import { type DerNode, mutateTree, parseTree, walkTree, writeTree } from '../helpers/der-tree.js';
import { repeated } from '../helpers/repeated.js';

/** A small generator of random numbers with a fixed seed: a failure can be repeated. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** All certificates under test/vectors, each once. */
function corpus(): Buffer[] {
  const root = new URL('../../../test/vectors/', import.meta.url);
  const found = new Map<string, Buffer>();
  for (const file of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || !/\.(pem|der|crt|cer)$/.test(file.name)) continue;
    const bytes = readFileSync(`${file.parentPath}/${file.name}`);
    const blocks = bytes.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [
      bytes,
    ];
    for (const block of blocks) {
      try {
        const { raw } = new X509Certificate(block);
        found.set(raw.toString('latin1'), raw);
      } catch {
        // It is something else.
      }
    }
  }
  return [...found.values()];
}

/**
 * What OpenSSL reads, or undefined where it refuses. (Node looks for PEM first, and drops what follows.) Names and keys
 * are compared by test/native/plain_signer_test.cc.
 */
function byOpenssl(der: Buffer): { raw: Buffer; serial: string } | undefined {
  try {
    const { raw, serialNumber } = new X509Certificate(der);
    return { raw, serial: serialNumber.toLowerCase() };
  } catch {
    return undefined;
  }
}

/** As Node writes it: hexadecimal digits in pairs, but for zero, with a sign. */
function serialText(content: Buffer): string {
  const number = BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`));
  if (number === 0n) return '0';
  const digits = (number < 0n ? -number : number).toString(16);
  return (number < 0n ? '-' : '') + (digits.length % 2 === 0 ? digits : `0${digits}`);
}

const certificates = corpus();

/** Compares both readings, and tells whether the certificate is plain. */
function compare(der: Buffer): { difference: string | undefined; isPlain: boolean } {
  const expected = byOpenssl(der);
  const isPlain = native.readCertificate(der);
  if (isPlain && !expected?.raw.equals(der)) return { difference: 'OpenSSL does not take it', isPlain };
  let serial: string | undefined;
  try {
    serial = serialText(toCertificate(der, 'der').serial);
  } catch {
    serial = undefined;
  }
  const isSame = serial === expected?.serial;
  return { difference: isSame ? undefined : `serial numbers differ: ${serial}, ${expected?.serial}`, isPlain };
}

test('certificates of the corpora are read as OpenSSL reads them, and most are plain', (t) => {
  let plain = 0;
  for (const der of certificates) {
    const { difference, isPlain } = compare(der);
    t.is(difference, undefined, der.toString('hex'));
    if (isPlain) plain += 1;
  }
  t.true(certificates.length > 50);
  t.true(plain > certificates.length / 2, `${plain} of ${certificates.length}`);
});

test('so are damaged ones', (t) => {
  const random = randomNumbers(1);
  const counts = [0, 0];
  for (let round = 0; round < repeated(6000); round += 1) {
    const original = certificates[random(certificates.length)]!;
    let der = Buffer.from(original);
    if (round % 3 === 0) {
      const list = parseTreeOrNothing(der);
      if (list === undefined) continue;
      mutateTree(list, random);
      der = Buffer.concat(list.map(writeTree));
    } else {
      for (let i = random(3); i >= 0; i -= 1) der[random(der.length)] = random(256);
    }
    const { difference, isPlain } = compare(der);
    if (difference !== undefined) return t.fail(`${difference}: ${der.toString('hex')}`);
    counts[Number(isPlain)]! += 1;
  }
  t.true(
    counts.every((count) => count > 50),
    String(counts),
  );
});

function parseTreeOrNothing(der: Buffer): DerNode[] | undefined {
  try {
    return parseTree(der);
  } catch {
    return undefined;
  }
}

const ca = createTestCa({ subject: 'C=XX,O=Test,CN=Test CA', keyType: 'ed25519' });
const anchor = new native.Certificate(ca.certificate.raw);
const leaf = ca.issue({
  subject: 'C=XX,O=Test,CN=leaf',
  ca: false,
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['serverAuth'],
  dnsNames: ['leaf.example'],
  aia: { ocsp: 'http://ocsp.example/' },
  extensions: [
    { oid: '2.5.29.31', critical: false, value: sequence(sequence(tlv(0xa0, tlv(0xa0, tlv(0x86, Buffer.from('u')))))) },
  ],
});

/** tbsCertificate as a tree; signed by the CA's key again. */
const treeOf = (der: Buffer) => parseTree(der)[0]!.children![0]!;
const algorithm = signatureAlgorithm(ca.privateKey);
function signed(tbs: Buffer, outer: Buffer = algorithm): Buffer {
  return sequence(tbs, outer, tlv(0x03, hex('00'), signBytes(tbs, ca.privateKey)));
}

test('an issuer that is plainly that of a certificate is that by OpenSSL, whatever the certificate holds', (t) => {
  const random = randomNumbers(2);
  const counts = [0, 0];
  for (let round = 0; round < repeated(4000); round += 1) {
    const tree = treeOf(leaf.certificate.raw);
    // Mostly in the extensions, whose values are opened for it.
    const extensions = tree.children!.at(-1)!;
    const values = [...walkTree([extensions])].filter(({ node }) => node.tag === 0x04);
    const value = values[random(values.length)]!.node;
    const list = random(4) === 0 ? tree.children! : parseTree(value.content);
    for (let i = random(2); i >= 0 && list.length > 0; i -= 1) mutateTree(list, random);
    if (list !== tree.children) value.content = Buffer.concat(list.map(writeTree));
    const der = signed(writeTree(tree));
    const isPlain = native.isPlainlyIssued(der, anchor);
    counts[Number(isPlain)]! += 1;
    if (!isPlain && !isReadable(der)) continue;
    const mismatch = native.issuerMismatch(new native.Certificate(der), anchor);
    if (isPlain && mismatch !== '') t.fail(der.toString('hex'));
    if (mismatch !== native.issuerMismatch(der, ca.certificate.raw)) t.fail(`as bytes: ${der.toString('hex')}`);
  }
  t.true(
    counts.every((count) => count > 100),
    String(counts),
  );
});

function isReadable(der: Buffer): boolean {
  try {
    return new native.Certificate(der).serial.length > 0;
  } catch {
    return false;
  }
}

/** Extensions in the place of the leaf's own. */
function withExtensions(...extensions: Buffer[]): Buffer {
  const tree = treeOf(leaf.certificate.raw);
  tree.children!.pop();
  return signed(sequence(...tree.children!.map(writeTree), tlv(0xa3, sequence(...extensions))));
}
const KEY_ID = hex('0603551d0e');
const USAGE = hex('0603551d0f');
const CONSTRAINTS = hex('0603551d13');
const AUTHORITY = hex('0603551d23');

const tree = treeOf(leaf.certificate.raw);
const parts = tree.children!.map(writeTree);
/** tbsCertificate with another part. */
const withPart = (index: number, part: Buffer) => sequence(...parts.with(index, part));

/** (OpenSSL before 3.5 decodes all of them.) */
test('times that are too short are left to OpenSSL', (t) => {
  for (const [tag, text, expected] of [
    [0x17, '370101000000Z', true],
    [0x17, '37010100000Z', false],
    [0x17, '', false],
    [0x18, '20370101000000Z', true],
    [0x18, '2037010100000Z', false],
    [0x18, '', false],
  ] as const) {
    const validity = sequence(tlv(0x17, Buffer.from('200101000000Z')), tlv(tag, Buffer.from(text)));
    const { difference, isPlain } = compare(signed(withPart(4, validity)));
    t.deepEqual([difference, isPlain], [undefined, expected], text);
  }
});

const plainCases: Record<string, Buffer> = {
  'as it is': leaf.certificate.raw,
  'no extensions': signed(sequence(...parts.slice(0, -1))),
  'an extension that OpenSSL does not know': withExtensions(extension(hex('06042a030405'), hex('ff'))),
  'basicConstraints with FALSE': withExtensions(extension(CONSTRAINTS, hex('3003010100'))),
  'no keyIdentifier': withExtensions(extension(AUTHORITY, hex('3000'))),
};
for (const [name, der] of Object.entries(plainCases)) {
  test(`plainly issued: ${name}`, (t) => {
    t.true(native.isPlainlyIssued(der, anchor));
    t.is(native.issuerMismatch(new native.Certificate(der), anchor), '');
  });
}

const doubted: Record<string, Buffer> = {
  'the same extension twice': withExtensions(extension(KEY_ID, hex('040101')), extension(KEY_ID, hex('040101'))),
  'a key identifier that is no OCTET STRING': withExtensions(extension(KEY_ID, hex('020101'))),
  'a key identifier and more': withExtensions(extension(KEY_ID, hex('0401010500'))),
  'key usage without a bit': withExtensions(extension(USAGE, hex('030100'))),
  'key usage that is no BIT STRING': withExtensions(extension(USAGE, hex('040100'))),
  'basicConstraints with a negative path length': withExtensions(extension(CONSTRAINTS, hex('30060101ff0201ff'))),
  'basicConstraints with a path length only': withExtensions(extension(CONSTRAINTS, hex('3003020100'))),
  'the key identifier of another authority': withExtensions(extension(AUTHORITY, hex('300380015a'))),
  'the serial number of another certificate': withExtensions(extension(AUTHORITY, hex('3003820101'))),
  'extended key usage of nothing': withExtensions(extension(hex('0603551d25'), hex('3000'))),
  'a subjectAltName of an unknown kind': withExtensions(extension(hex('0603551d11'), hex('30028900'))),
  'a distribution point with reasons': withExtensions(extension(hex('0603551d1f'), hex('3006300481020780'))),
  'name constraints': withExtensions(extension(hex('0603551d1e'), hex('3000'))),
  'a proxy certificate': withExtensions(extension(hex('06082b0601050507010e'), hex('300c300a06082b06010505071501'))),
  "Netscape's certificate type": withExtensions(extension(hex('06096086480186f8420101'), hex('03020780'))),
  'addresses (RFC 3779)': withExtensions(extension(hex('06082b06010505070107'), hex('3000'))),
  'another issuer': signed(withPart(3, sequence())),
  'an attribute that is empty': signed(withPart(3, sequence(tlv(0x31, sequence(hex('0603550403'), hex('0c00')))))),
  'another algorithm inside': signed(withPart(2, sequence(hex('06032b6571')))),
  'another algorithm outside': signed(sequence(...parts), sequence(hex('06032b6571'))),
  'another signature': leaf.certificate.raw.with(-1, (leaf.certificate.raw.at(-1) as number) ^ 1) as Buffer,
  'unused bits in the signature': sequence(sequence(...parts), algorithm, tlv(0x03, hex('01'), Buffer.alloc(64))),
  'something behind it': Buffer.concat([leaf.certificate.raw, hex('0500')]),
  'an algorithm that OpenSSL does not know': signed(
    withPart(2, sequence(hex('06032a0304'))),
    sequence(hex('06032a0304')),
  ),
};
for (const [name, given] of Object.entries(doubted)) {
  const der = Buffer.from(given);
  test(`not plainly issued: ${name}`, (t) => {
    t.false(native.isPlainlyIssued(der, anchor));
  });
}

test('nor is what was signed by another CA, or by one that may not sign certificates', (t) => {
  const other = createTestCa({ subject: 'C=XX,O=Test,CN=Test CA', keyType: 'ed25519' });
  t.false(native.isPlainlyIssued(leaf.certificate.raw, new native.Certificate(other.certificate.raw)));
  const { privateKey } = ca;
  const certifier = createTestCa({ subject: 'C=XX,O=Test,CN=Test CA', privateKey, keyUsage: ['cRLSign'] });
  t.false(native.isPlainlyIssued(leaf.certificate.raw, new native.Certificate(certifier.certificate.raw)));
  const malformed = createTestCa({
    subject: 'C=XX,O=Test,CN=Test CA',
    privateKey,
    extensions: [{ oid: '2.5.29.30', critical: true, value: hex('0500') }],
  });
  t.false(native.isPlainlyIssued(leaf.certificate.raw, new native.Certificate(malformed.certificate.raw)));
  t.true(native.isPlainlyIssued(leaf.certificate.raw, anchor));
});

test('a delegate that OpenSSL takes for signed by itself is refused, however its name is written', (t) => {
  const authority = createTestCa({ subject: 'CN=Test CA' });
  const asked = authority.issue();
  const question = { certificate: asked.certificate, issuer: authority.certificate };
  const said = (options: { subject: string; keyIdentifiers: boolean }, level?: number): string => {
    const signer = authority.issueResponder(options);
    const entries = [{ certificate: asked.certificate, issuer: authority.certificate }];
    const response = buildTestResponse({ signer, certificates: [signer.certificate], entries });
    // The level leaves every path to OpenSSL.
    const verdict = verifyOcspResponse(response, {
      ...question,
      ...(level === undefined ? {} : { securityLevel: level }),
    });
    return verdict.status ?? verdict.refusals.map(({ code }) => code).join();
  };
  for (const subject of ['CN=Test CA', 'CN=test ca', 'CN=TEST  CA', 'CN=Test CB', 'O=Test CA']) {
    for (const keyIdentifiers of [true, false]) {
      const isOther = keyIdentifiers || /CB|O=/.test(subject);
      t.is(said({ subject, keyIdentifiers }), isOther ? 'good' : 'SIGNER_UNTRUSTED', subject);
      t.is(said({ subject, keyIdentifiers }, 1), isOther ? 'good' : 'SIGNER_UNTRUSTED', subject);
    }
  }
});

test('a verdict says the same of bytes, PEM, and a certificate that Node has read', (t) => {
  const kit = new TestResponseKit();
  const der = kit.respond();
  const issuer = kit.ca.certificate;
  const wrong = new TestResponseKit();
  const at = new Date();
  for (const { certificate } of [kit.leaf, wrong.leaf]) {
    const forms = [certificate.raw, certificate.toString(), Buffer.from(certificate.toString())];
    for (const form of [...forms, new X509Certificate(certificate.raw)]) {
      const verdict = verifyOcspResponse(der, { certificate: form, issuer, at });
      t.is(verdict.usable, certificate === kit.leaf.certificate);
      if (!verdict.usable) t.true(verdict.refusals.some(({ code }) => code === 'ISSUER_MISMATCH'));
      const byBytes = verifyOcspResponse(der, { certificate: form, issuer: issuer.raw, at });
      t.is(byBytes.explain(), verdict.explain());
    }
  }
});

test('PEM is read as Node reads it', (t) => {
  const pem = leaf.certificatePem;
  const lines = pem.trimEnd().split('\n');
  const body = lines.slice(1, -1);
  const [head, foot] = [lines[0]!, lines.at(-1)!];
  const one = (...between: string[]) => `${[head, ...between, foot].join('\n')}\n`;
  const joined = body.join('');
  const texts = [
    pem,
    pem.trimEnd(),
    `${pem}\n`,
    pem.replaceAll('\n', '\r\n'),
    `text\n${pem}`,
    `${pem}${ca.certificatePem}`,
    `${pem}text`,
    one(...body, ''),
    one('', ...body),
    one('Proc-Type: 4,CLEAR', '', ...body),
    one(joined),
    one(joined.slice(0, 76), joined.slice(76)),
    one(...body.map((line) => `${line} `)),
    one(...body.map((line) => ` ${line}`)),
    one(...body.slice(0, -1), body.at(-1)!.slice(0, -1)),
    one(...body.slice(0, -1), `${body.at(-1)!.slice(0, 4)}`),
    one(...body.slice(0, -1), `${body.at(-1)!.replaceAll('=', '')}==`),
    one(...body.slice(0, -1)),
    one(...body, 'AAAA'),
    one(...body, '===='),
    one(`*${body[0]!.slice(1)}`, ...body.slice(1)),
    one(),
    one(''),
    pem.replaceAll('CERTIFICATE', 'X509 CERTIFICATE'),
    pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
    pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
    pem.replace('-----END CERTIFICATE', '-----END X509 CERTIFICATE'),
    pem.slice(0, -3),
    pem.toLowerCase(),
    '',
  ];
  for (const text of texts) {
    for (const form of [text, Buffer.from(text)]) {
      let expected: string | undefined;
      try {
        expected = new X509Certificate(form).raw.toString('hex');
      } catch {
        t.throws(() => toCertificate(form, 'form'), { code: 'ERR_OCSP_MALFORMED' }, text);
        continue;
      }
      t.is(toCertificate(form, 'form').der.toString('hex'), expected, text);
    }
  }
});

test('a certificate that holds PEM is itself, though Node takes it for what it holds', (t) => {
  const other = ca.issue({ subject: 'CN=other' });
  const outer = withExtensions(extension(hex('06042a030405'), octets(`\n${other.certificatePem}`)));
  t.false(native.readCertificate(outer));
  t.deepEqual(new X509Certificate(outer).raw, other.certificate.raw);
  t.deepEqual(toCertificate(outer, 'outer').der, outer);
});

test('what a caller changes later changes nothing', (t) => {
  const der = Buffer.from(leaf.certificate.raw);
  const builder = new OCSPRequestBuilder().addCertificate(der, ca.certificate, 'sha1');
  const before = builder.build().publicBytes();
  der.fill(0);
  t.deepEqual(builder.build().publicBytes(), before);
  const object = new X509Certificate(leaf.certificate.raw);
  const read = toCertificate(object, 'object');
  object.raw.fill(0);
  t.deepEqual(read.der, leaf.certificate.raw);
});
