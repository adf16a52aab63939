// Extensions that OpenSSL has functions for, byte by byte.
import { ArchiveCutoff, CrlID, OCSPAcceptableResponses, OCSPNonce, ServiceLocator } from 'openssl-ocsp';
import { AuthorityInformationAccessOID, UniformResourceIdentifier } from 'openssl-ocsp/x509';
import { extension } from '../der.mjs';
import { authorities, DAY, dateOf, NOW, subjectOf } from '../material.mjs';

export const about = 'extensions that OpenSSL makes, byte by byte';

const OIDS = ['1.3.6.1.5.5.7.48.1.1', '1.3.6.1.5.5.7.48.1.2', '2.5.29.14', '1.2.840.113549.1.9.1'];

export function run({ compare, ask, random, cases }) {
  const names = authorities(random).map(({ ca }) => ({ ca, name: subjectOf(ca) }));
  const made = Array.from({ length: cases }, () => random.pick(MAKERS)(random, names));
  const answers = ask(made.map(({ question }) => question));
  made.forEach(({ value, question }, i) => {
    const ours = extension(value.oid, false, value.publicBytes()).toString('hex');
    for (const theirs of [answers[i]].flat()) compare(question[0], ours, theirs, { question });
  });
}

const text = (url) => Buffer.from(url, 'latin1');
const generalized = (date) => date.toISOString().replace(/[-:T]|\.000/g, '');
const someUrl = (random) => `http://${'x'.repeat(1 + random.below(200))}.example/`;
const someDate = (random) => dateOf(NOW - random.below(20000) * DAY - random.below(DAY));

const MAKERS = [
  (random) => {
    const [crlUrl, crlNum, crlTime] = [
      random.once(2) ? someUrl(random) : null,
      random.once(2) ? BigInt(random.below(2 ** 31)) * 2n ** BigInt(random.below(32)) : null,
      random.once(2) ? someDate(random) : null,
    ];
    const value = new CrlID({ crlUrl, crlNum, crlTime });
    return { value, question: ['crl-id', crlUrl && text(crlUrl), crlNum, crlTime && generalized(crlTime)] };
  },
  (random) => {
    const oids = random.some(OIDS);
    return { value: new OCSPAcceptableResponses(oids), question: ['acceptable', oids] };
  },
  (random) => {
    const date = someDate(random);
    return { value: new ArchiveCutoff(date), question: ['archive-cutoff', generalized(date)] };
  },
  (random, names) => {
    const { ca, name } = random.pick(names);
    const urls = Array.from({ length: 1 + random.below(3) }, () => someUrl(random));
    const locator = urls.map((url) => ({
      accessMethod: AuthorityInformationAccessOID.OCSP,
      accessLocation: new UniformResourceIdentifier(url),
    }));
    return {
      value: new ServiceLocator({ issuer: name, locator }),
      question: ['service-locator', ca.der, urls.map(text)],
    };
  },
  (random) => {
    const nonce = random.bytes(1 + random.below(128));
    return { value: new OCSPNonce(nonce), question: ['nonces', nonce] };
  },
];
