// Builds a request as the documentation of Python's cryptography does, and reads it back.
//   node request.mjs CERT.pem ISSUER.pem > request.der
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { HashAlgorithm, loadDerOcspRequest, OCSPNonce, OCSPRequestBuilder } from 'openssl-ocsp';

const [cert, issuer] = process.argv.slice(2);
if (!cert || !issuer) throw new Error('usage: node request.mjs CERT.pem ISSUER.pem > request.der');

// builder = ocsp.OCSPRequestBuilder()
// builder = builder.add_certificate(cert, issuer, SHA1())
// builder = builder.add_extension(x509.OCSPNonce(os.urandom(32)), critical=False)
// req = builder.build()
const request = new OCSPRequestBuilder()
  .addCertificate(readFileSync(cert), readFileSync(issuer), HashAlgorithm.SHA1)
  .addExtension(new OCSPNonce(randomBytes(32)), false)
  .build();
// req.public_bytes(serialization.Encoding.DER)
const der = request.publicBytes();

// ocsp.load_der_ocsp_request(der).serial_number, and the nonce
const { serialNumber, extensions } = loadDerOcspRequest(der);
const { nonce } = extensions.getExtensionForClass(OCSPNonce).value;
console.error(`asks about ${serialNumber}, nonce ${nonce.toString('hex')}`);
process.stdout.write(der);
