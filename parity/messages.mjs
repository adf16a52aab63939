// Generated messages: what goes into them, built here, and the same as a question to the oracle.
import {
  Extension,
  OCSPCertStatus,
  OCSPRequestBuilder,
  OCSPResponderEncoding,
  OCSPResponseBuilder,
  ReasonFlags,
} from 'openssl-ocsp';
import { DirectoryName } from 'openssl-ocsp/x509';
import { DAY, dateOf, hashesFor, NOW, someEntry, someExtensions, subjectOf } from './material.mjs';
import { argument } from './oracle.mjs';

/** RFC 5280 section 5.3.1. */
export const REASON_CODES = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
};

/** Of OCSP_request_sign and OCSP_basic_sign. */
const NOCERTS = 0x1;
const RESPID_KEY = 0x400;

const asExtensions = (list) => list.map(({ value, critical }) => new Extension(value.oid, critical, value));
const fields = (list) => list.map(argument).join(':');

export function someRequest(random, list) {
  const entries = Array.from({ length: 1 + random.below(3) }, () => ({
    ...someEntry(random, list),
    extensions: someExtensions(random),
  }));
  const signer = random.once(2) ? random.pick(list).delegate : undefined;
  return {
    entries,
    extensions: someExtensions(random),
    signer,
    // Signing names the signer.
    requestor: signer === undefined && random.once(4) ? random.pick(list).ca : undefined,
    hash: signer && random.pick(hashesFor(signer.type)),
    certificates: random.some(list).map(({ ca }) => ca),
    noCertificates: random.once(3),
  };
}

export function buildRequest({ entries, extensions, requestor, signer, hash, certificates, noCertificates }) {
  let builder = new OCSPRequestBuilder();
  if (requestor !== undefined) builder = builder.requestorName(new DirectoryName(subjectOf(requestor)));
  for (const { subject, issuer, hash: idHash, extensions: own } of entries) {
    builder = builder.addCertificate(subject.certificate, issuer.certificate, idHash, asExtensions(own));
  }
  for (const { value, critical } of extensions) builder = builder.addExtension(value, critical);
  if (signer === undefined) return builder.build();
  const others = certificates.map(({ certificate }) => certificate);
  return builder.sign(signer.certificate, signer.privateKey, hash, { certificates: others, noCertificates });
}

export function requestQuestion({ entries, extensions, requestor, signer, hash, certificates, noCertificates }) {
  return [
    'make-request',
    entries
      .map(({ hash: idHash, subject, issuer, extensions: own }) =>
        fields([idHash, subject.der, issuer.der, own.map(({ der }) => der)]),
      )
      .join(';'),
    extensions.map(({ der }) => der),
    requestor?.der,
    signer?.der,
    signer?.pkcs8,
    hash,
    certificates.map(({ der }) => der),
    noCertificates ? NOCERTS : 0,
  ];
}

export function someResponse(random, list) {
  const authority = random.pick(list);
  const entries = Array.from({ length: 1 + random.below(3) }, () => {
    const status = random.below(3);
    const thisUpdate = NOW - random.below(100 * DAY);
    const revoked = status === OCSPCertStatus.REVOKED;
    return {
      ...someEntry(random, list),
      status,
      revocationTime: revoked ? thisUpdate - random.below(1000 * DAY) : null,
      reason: revoked && random.once(2) ? random.pick(Object.values(ReasonFlags)) : null,
      thisUpdate,
      nextUpdate: random.once(4) ? null : thisUpdate + random.below(10 * DAY),
      extensions: someExtensions(random),
    };
  });
  const signer = random.pick([authority.ca, authority.delegate]);
  return {
    entries,
    extensions: someExtensions(random),
    producedAt: NOW - random.below(DAY),
    signer,
    hash: random.pick(hashesFor(signer.type)),
    pss: signer.type.startsWith('rsa') && random.once(3),
    certificates: random.once(3) ? [] : [signer, ...random.some(list, 4).map(({ ca }) => ca)],
    byKey: random.once(2),
  };
}

export function buildResponse({ entries, extensions, producedAt, signer, hash, pss, certificates, byKey }) {
  let builder = new OCSPResponseBuilder()
    .responderId(byKey ? OCSPResponderEncoding.HASH : OCSPResponderEncoding.NAME, signer.certificate)
    .producedAt(dateOf(producedAt));
  for (const entry of entries) {
    builder = builder.addResponse({
      cert: entry.subject.certificate,
      issuer: entry.issuer.certificate,
      algorithm: entry.hash,
      certStatus: entry.status,
      thisUpdate: dateOf(entry.thisUpdate),
      nextUpdate: entry.nextUpdate === null ? null : dateOf(entry.nextUpdate),
      revocationTime: entry.revocationTime === null ? null : dateOf(entry.revocationTime),
      revocationReason: entry.reason,
      singleExtensions: asExtensions(entry.extensions),
    });
  }
  for (const { value, critical } of extensions) builder = builder.addExtension(value, critical);
  if (certificates.length > 0) builder = builder.certificates(certificates.map(({ certificate }) => certificate));
  return builder.sign(signer.privateKey, hash, pss ? { rsaPadding: 'pss' } : undefined);
}

/** The same for the oracle. OpenSSL embeds the signer, and then what it is given, unless told to embed nothing. */
export function responseQuestion({ entries, extensions, producedAt, signer, hash, pss, certificates, byKey }) {
  return [
    'make-response',
    entries
      .map((entry) =>
        fields([
          entry.hash,
          entry.subject.der,
          entry.issuer.der,
          entry.status,
          entry.reason === null ? -1 : REASON_CODES[entry.reason],
          entry.revocationTime,
          entry.thisUpdate,
          entry.nextUpdate,
          entry.extensions.map(({ der }) => der),
        ]),
      )
      .join(';'),
    extensions.map(({ der }) => der),
    producedAt,
    signer.der,
    signer.pkcs8,
    hash,
    pss ? 'pss' : null,
    certificates.slice(1).map(({ der }) => der),
    (certificates.length === 0 ? NOCERTS : 0) | (byKey ? RESPID_KEY : 0),
  ];
}

/** What has to be the same of two messages whose signatures differ each time. */
export function withoutSignature(message) {
  const tbs = message.tbsRequestBytes ?? message.tbsResponseBytes;
  const certificates = message.certificates.map(({ fingerprint256 }) => fingerprint256);
  return [tbs.toString('hex'), message.signatureAlgorithmOid, certificates];
}
