/** Where certificates of strangers say to ask: read by native code, so hostile ones are read here, too, where sanitizers look on. */
import test from 'ava';
import { ocspUrls } from 'openssl-ocsp';
import { createTestCa } from 'openssl-ocsp/testing';
import { encodeOid, encodeSequence, encodeTlv } from '#dist/x509/der.js';

test('OCSP URLs of certificates whose authorityInfoAccess is there twice, cut, or followed by other bytes', (t) => {
  const ca = createTestCa();
  const uri = (text: string) => encodeTlv(0x86, Buffer.from(text));
  const access = (name: Buffer) => encodeSequence(encodeSequence(encodeOid('1.3.6.1.5.5.7.48.1'), name));
  const urlsOf = (...values: Buffer[]) =>
    ocspUrls(ca.issue({ extensions: values.map((value) => ({ oid: '1.3.6.1.5.5.7.1.1', value })) }).certificate);
  const [one, two] = [access(uri('http://one.example/')), access(uri('http://two.example/'))];
  t.deepEqual(urlsOf(one, two), ['http://one.example/', 'http://two.example/']);
  t.deepEqual(urlsOf(access(encodeTlv(0xa4, encodeSequence())), two), ['http://two.example/']);
  t.deepEqual(urlsOf(Buffer.concat([one, two])), ['http://one.example/']);
  for (let length = 0; length < one.length; length += 1)
    t.deepEqual(urlsOf(one.subarray(0, length), two), ['http://two.example/']);
});
