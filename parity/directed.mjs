// Messages that make exceptions occur which chance seldom hits.
import { encode, parse } from './der.mjs';
import { vector } from './material.mjs';

/** A response with certificates inside, changed: `change` gets the parts of the BasicOCSPResponse. */
function changed(change, response = vector('reference/x509/ocsp/resp-delegate-unknown-cert.der')) {
  const roots = parse(response);
  const [, responseBytes] = roots[0].inside;
  const [, octets] = responseBytes.inside[0].inside;
  const [basic] = octets.inside;
  change(basic.inside);
  return Buffer.concat(roots.map(encode));
}

function eachElement(elements, visit) {
  for (const element of elements) {
    visit(element);
    eachElement(element.inside ?? [], visit);
  }
}

/** The response, with leading zeros in the length of its first certificate's public key. */
export const withLongKey = (response) =>
  changed((basic) => {
    const [certificate] = basic.at(-1).inside[0].inside;
    certificate.inside[0].inside[6].extra = 6;
  }, response);

export const DIRECTED = [
  {
    name: 'a certificate with an issuer that is no text',
    bytes: changed((basic) => {
      const [certificate] = basic.at(-1).inside[0].inside;
      const [, , , issuer] = certificate.inside[0].inside;
      issuer.inside[0].inside[0].inside[1].identifier = Buffer.from([0x80]);
    }),
  },
  {
    name: 'signature parameters of indefinite length',
    bytes: changed((basic) => {
      basic[1].inside[1] = { identifier: Buffer.from([0x30]), inside: [], extra: 'indefinite' };
    }),
  },
  {
    name: 'NULL with leading zeros in its length',
    bytes: changed((basic) =>
      eachElement(basic, (element) => {
        if (element.identifier[0] === 0x05) element.extra = 3;
      }),
    ),
  },
];
