/** One way in which this package answers otherwise than pyca/cryptography, whose API it follows. */
export interface Difference {
  /** What the reference does. */
  reference: string;
  /** What this package does. */
  here: string;
  /** Why. */
  reason: string;
}

/**
 * Every deliberate difference that a test relies on. A ported test that deviates names its entry in its title,
 * and `recorded-verdicts.test.ts` names them for the recorded inputs.
 */
export const differences = {
  severalEntries: {
    reference: 'refuses a second add_certificate or add_response, and a request that does not hold exactly one entry',
    here: 'takes several; the members of the single entry then throw ERR_OCSP_NOT_SINGLE, the lists hold them all',
    reason: 'RFC 6960 section 4.1.1 has a list in both messages',
  },
  membersNeedSuccess: {
    reference: 'reads every member of a response with an error status that carries a body all the same',
    here: 'throws ERR_OCSP_UNSUCCESSFUL',
    reason: 'a client that forgets the status would take GOOD from an unauthorised answer',
  },
  pssReadable: {
    reference: 'does not know the hash of an RSASSA-PSS signature',
    here: 'reads it from the parameters',
    reason: 'the hash is there (RFC 4055 section 3.1)',
  },
  dsaSha384Readable: {
    reference: 'signs with DSA and SHA-384 or SHA-512, and then cannot read the hash',
    here: 'reads it',
    reason: 'the OIDs are registered (NIST CSOR)',
  },
  moreExtensionTypes: {
    reference: 'has no type for archive cutoff, CRL references, service locator, preferred algorithms, extended revoke',
    here: 'reads them as typed values, in the places where RFC 6960 section 4.4 has them',
    reason: 'their content would be left to the caller to decode',
  },
  onlyOwnExtensionClasses: {
    reference: 'accepts any subclass of ExtensionType, and fails at build or sign when it cannot encode it',
    here: 'TypeError from addExtension',
    reason: 'the mistake shows where it is made',
  },
  unknownHashIsUnsupported: {
    reference: 'ValueError for a hash that is not allowed, and for what is no hash at all',
    here: 'ERR_OCSP_UNSUPPORTED_ALGORITHM for a name that is not allowed, TypeError for what is not a string',
    reason: 'hashes are strings here, not objects',
  },
  enumsAreValues: {
    reference: 'enum arguments must be the enum objects: 0 or a string is a TypeError',
    here: 'members are plain numbers or strings: 0 is GOOD; a value outside the enum is ERR_OCSP_INVALID_VALUE',
    reason: 'TypeScript enums are values',
  },
  certificatesFromBytes: {
    reference: 'bytes or str in place of a certificate are a TypeError',
    here: 'PEM and DER are accepted; what does not parse is ERR_OCSP_MALFORMED',
    reason: 'node:crypto takes certificates in these forms',
  },
  hexSerials: {
    reference: 'a str serial is a TypeError',
    here: 'a string is read as hex; other characters are ERR_OCSP_INVALID_VALUE',
    reason: 'X509Certificate.serialNumber is hex',
  },
  duplicateExtensionCode: {
    reference: 'ValueError when an extension is added twice',
    here: 'ERR_OCSP_DUPLICATE_EXTENSION with the OID',
    reason: 'the same code as for a duplicate that is read',
  },
  nullHashIsAValue: {
    reference: 'TypeError for a signature by RSA, DSA or EC without a hash',
    here: 'ERR_OCSP_INVALID_VALUE',
    reason: 'null is a right type here, as Ed25519 needs it',
  },
} satisfies Record<string, Difference>;

/** For test titles: the entry's name, and proof that it exists. */
export function differs(name: keyof typeof differences): string {
  return `(differs from the reference: ${name})`;
}
