/** CertID arguments of the builders, checked and in the form that the native writer takes. */
import type { CertIdHashIndex } from '../../typings/binding.js';
import { invalidValue } from '../errors.js';
import { type CertIdHash, checkCertIdHash, type HashAlgorithmName } from '../x509/algorithms.js';
import { type CertificateInput, toCertificate } from '../x509/certificate.js';
import { checkBytes, copyBytes } from '../x509/der.js';
import { type SerialNumberInput, serialToBytes } from '../x509/serial-number.js';

/** The first four members of the native tuples. */
export type CertIdTuple = readonly [
  hash: CertIdHashIndex,
  issuerNameHash: Buffer,
  issuerKeyHash: Buffer,
  serial: Buffer,
];

/** CertID of a certificate: hashes of its issuer field and of the issuer's key. Nothing checks that issuer issued it. */
export function certIdOf(cert: CertificateInput, issuer: CertificateInput, algorithm: HashAlgorithmName): CertIdTuple {
  const subject = toCertificate(cert, 'cert');
  const signer = toCertificate(issuer, 'issuer');
  const hash = checkCertIdHash(algorithm, 'algorithm').index;
  const nameHash = subject.namesAsIssuer(signer) ? signer.subjectHash(hash) : subject.issuerNameHash(hash);
  return [hash, nameHash, signer.publicKeyHash(hash), subject.serial];
}

/** CertID from its parts. */
export function certIdFrom(
  issuerNameHash: Uint8Array,
  issuerKeyHash: Uint8Array,
  serialNumber: SerialNumberInput,
  algorithm: HashAlgorithmName,
): CertIdTuple {
  const serial = serialToBytes(serialNumber);
  const row = checkCertIdHash(algorithm, 'algorithm');
  return [
    row.index,
    checkHash(issuerNameHash, 'issuerNameHash', row),
    checkHash(issuerKeyHash, 'issuerKeyHash', row),
    serial,
  ];
}

function checkHash(value: unknown, name: string, { hash, digestLength }: CertIdHash): Buffer {
  const bytes = copyBytes(checkBytes(value, name));
  if (bytes.length !== digestLength) {
    throw invalidValue(`${name} is ${bytes.length} bytes long; a ${hash} hash has ${digestLength}`);
  }
  return bytes;
}
