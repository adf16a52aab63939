// Signing one response, from arguments to DER.
import { sign as nodeSign } from 'node:crypto';
import { OCSPCertStatus, OCSPResponderEncoding, OCSPResponseBuilder } from 'openssl-ocsp';
import { loadBaseline } from '../baseline.mjs';
import { makeResponder, repeat } from './common.mjs';

const KEYS = [
  ['P-256', { keyType: 'ec' }, 'sha256'],
  ['P-384', { keyType: 'ec', curve: 'secp384r1' }, 'sha384'],
  ['RSA-2048', { keyType: 'rsa', modulusLength: 2048 }, 'sha256'],
  ['RSA-3072', { keyType: 'rsa', modulusLength: 3072 }, 'sha256'],
  ['Ed25519', { keyType: 'ed25519' }, null],
  ['ML-DSA-44', { keyType: 'ml-dsa-44' }, null],
];
/** In flight at a time, in the asynchronous form. */
const IN_FLIGHT = 32;

export const title = 'sign';

export async function tables({ quick, peers }) {
  const baseline = loadBaseline();
  const result = [];
  for (const [name, keyOptions, hash] of quick ? KEYS.slice(0, 1) : KEYS) {
    let responder;
    try {
      responder = makeResponder(keyOptions);
    } catch (error) {
      console.error(`${name} is left out: ${error.message}`);
      continue;
    }
    for (const embed of quick ? [false] : [false, true]) {
      result.push({
        title: `sign, ${name}${embed ? ', certificate embedded' : ''}`,
        contenders: [
          { name: 'bare signature', limit: true, run: (n) => baseline.rawSign(responder.pkcs8, hash, n, 1) },
          ...own(responder, hash, embed),
          {
            name: 'OCSP_basic_sign, C++',
            run: (n) =>
              baseline.opensslSign(
                responder.pkcs8,
                responder.certificate.raw,
                responder.certificate.raw,
                hash,
                embed,
                n,
              ),
          },
          { name: 'node:crypto sign alone', run: repeat(() => nodeSign(hash, Buffer.alloc(160), responder.key)) },
          ...(name === 'P-256' ? await peersOf(responder, peers) : []),
        ],
      });
    }
  }
  return result;
}

function own({ certificate, key }, hash, embed) {
  const bare = new OCSPResponseBuilder().responderId(OCSPResponderEncoding.HASH, certificate);
  const base = embed ? bare.certificates([certificate]) : bare;
  const build = () => {
    const now = new Date();
    return base.addResponse({
      cert: certificate,
      issuer: certificate,
      algorithm: 'sha1',
      certStatus: OCSPCertStatus.GOOD,
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + 3_600_000),
    });
  };
  return [
    { name: 'openssl-ocsp sign', run: repeat(() => build().sign(key, hash).publicBytes()) },
    {
      name: `openssl-ocsp signAsync, ${IN_FLIGHT} in flight`,
      batch: IN_FLIGHT,
      run: async (n) => {
        for (let i = 0; i < n; i += 1) {
          await Promise.all(Array.from({ length: IN_FLIGHT }, () => build().signAsync(key, hash)));
        }
      },
    },
  ];
}

async function peersOf({ certificate, key, pkcs8 }, peers) {
  const contenders = [];
  const ocsp = peers['@peculiar/asn1-ocsp'];
  const schema = peers['@peculiar/asn1-schema'];
  if (ocsp && schema) {
    // Encodes a ResponseData that was decoded before, signs it with node:crypto, encodes the rest.
    const sample = new OCSPResponseBuilder()
      .responderId(OCSPResponderEncoding.HASH, certificate)
      .addResponse(certificate, certificate, 'sha1', OCSPCertStatus.GOOD, new Date(), new Date(), null, null)
      .sign(key, 'sha256');
    const response = schema.AsnConvert.parse(sample.publicBytes(), ocsp.OCSPResponse);
    const basic = schema.AsnConvert.parse(response.responseBytes.response.buffer, ocsp.BasicOCSPResponse);
    contenders.push({
      name: '@peculiar/asn1-ocsp',
      run: repeat(() => {
        const data = Buffer.from(schema.AsnConvert.serialize(basic.tbsResponseData));
        const signature = nodeSign('sha256', data, key);
        basic.signature = signature.buffer.slice(signature.byteOffset, signature.byteOffset + signature.length);
        response.responseBytes.response = new schema.OctetString(schema.AsnConvert.serialize(basic));
        schema.AsnConvert.serialize(response);
      }),
    });
  }
  const { pkijs, asn1js } = peers;
  if (pkijs && asn1js) {
    const { webcrypto } = await import('node:crypto');
    const cryptoKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
    ]);
    const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto, subtle: webcrypto.subtle });
    const issuer = pkijs.Certificate.fromBER(certificate.raw);
    contenders.push({
      name: 'pkijs',
      run: async (n) => {
        for (let i = 0; i < n; i += 1) {
          const basic = new pkijs.BasicOCSPResponse();
          basic.tbsResponseData.responderID = issuer.subject;
          basic.tbsResponseData.producedAt = new Date();
          const single = new pkijs.SingleResponse();
          await single.certID.createForCertificate(
            issuer,
            { hashAlgorithm: 'SHA-1', issuerCertificate: issuer },
            engine,
          );
          single.certStatus = new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber: OCSPCertStatus.GOOD } });
          single.thisUpdate = new Date();
          basic.tbsResponseData.responses.push(single);
          await basic.sign(cryptoKey, 'SHA-256', engine);
          basic.toSchema().toBER(false);
        }
      },
    });
  }
  return contenders;
}
