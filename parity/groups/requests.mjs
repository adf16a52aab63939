// Requests, built here and by OpenSSL, byte by byte.
import { loadDerOcspRequest, OCSPRequestBuilder } from 'openssl-ocsp';
import { openssl } from '../cli.mjs';
import { sequence } from '../der.mjs';
import { authorities, CERT_ID_HASHES, isDeterministic, someEntry } from '../material.mjs';
import { buildRequest, requestQuestion, someRequest, withoutSignature } from '../messages.mjs';

export const about = 'requests built, signed ones too, byte by byte';
export const needs = ['cli'];

export function run({ compare, ask, random, cases, scratch }) {
  const list = authorities(random);
  library(compare, ask, random, cases, list);
  byNumber(compare, ask, list);
  command(compare, random, Math.max(10, Math.round(cases / 10)), list, scratch);
}

/** Against OCSP_cert_to_id, OCSP_request_add0_id, ..._add_ext, OCSP_request_set1_name, OCSP_request_sign. */
function library(compare, ask, random, cases, list) {
  const made = Array.from({ length: cases }, () => someRequest(random, list));
  const answers = ask(made.map(requestQuestion));
  made.forEach((given, i) => {
    const { signer, hash } = given;
    const request = buildRequest(given);
    const theirs = answers[i] ?? '';
    const bytes = request.publicBytes().toString('hex');
    if (signer === undefined || isDeterministic(signer.type)) {
      compare(signer ? `signed with ${signer.type} and ${hash}` : 'not signed', bytes, theirs);
      return;
    }
    // Such signatures differ each time: everything around them is compared, and (in verify) whether it verifies.
    const other = loadDerOcspRequest(Buffer.from(theirs, 'hex'));
    compare(`signed with ${signer.type} and ${hash}`, withoutSignature(request), withoutSignature(other), {
      bytes,
      theirs,
    });
  });
}

/** Against OCSP_cert_id_new. */
function byNumber(compare, ask, list) {
  const questions = list.flatMap(({ ca }) =>
    CERT_ID_HASHES.flatMap((hash) =>
      [0n, 127n, 128n, 2n ** 64n, 2n ** 160n, 2n ** 800n].map((serial) => ({ ca, hash, serial })),
    ),
  );
  const answers = ask(questions.map(({ ca, hash, serial }) => ['cert-id-by-number', hash, ca.der, serial]));
  questions.forEach(({ ca, hash, serial }, i) => {
    const request = addByNumber(new OCSPRequestBuilder(), ca, serial, hash).build();
    const certId = Buffer.from(answers[i], 'hex');
    const expected = sequence(sequence(sequence(sequence(certId))));
    compare(`serial ${serial}, ${hash}`, request.publicBytes().toString('hex'), expected.toString('hex'));
  });
}

/** A CA's hashes are those of its own certificate, which it has issued itself. */
function addByNumber(builder, { certificate }, serial, hash) {
  const own = new OCSPRequestBuilder().addCertificate(certificate, certificate, hash).build();
  return builder.addCertificateByHash(own.issuerNameHash, own.issuerKeyHash, serial, hash);
}

/** Against `openssl ocsp -reqout`. */
function command(compare, random, cases, list, scratch) {
  for (let i = 0; i < cases; i += 1) {
    const args = ['ocsp', '-no_nonce'];
    let builder = new OCSPRequestBuilder();
    for (let left = 1 + random.below(3); left > 0; left -= 1) {
      const { hash, subject, issuer } = someEntry(random, list);
      args.push('-issuer', scratch.write(`issuer${left}.pem`, issuer.certificate.toString()), `-${hash}`);
      if (random.once(2)) {
        args.push('-cert', scratch.write(`cert${left}.pem`, subject.certificate.toString()));
        builder = builder.addCertificate(subject.certificate, issuer.certificate, hash);
      } else {
        args.push('-serial', `0x${subject.certificate.serialNumber}`);
        builder = addByNumber(builder, issuer, subject.certificate.serialNumber, hash);
      }
    }
    const out = scratch.path('request.der');
    const { status, stderr } = openssl([...args, '-reqout', out]);
    const theirs = status === 0 ? scratch.read('request.der').toString('hex') : stderr;
    compare(args.join(' '), builder.build().publicBytes().toString('hex'), theirs);
  }
}
