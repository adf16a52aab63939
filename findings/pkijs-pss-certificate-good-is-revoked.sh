#!/usr/bin/env bash
# pkijs calls a certificate revoked when its OCSP answer is good, if the CA signed that certificate with RSA-PSS.
#
# Expected: CertificateChainValidationEngine gets a chain and a good answer about its leaf, and accepts the chain. The answer
#   is the same for both leaves below: same CA, same serial number, signed with plain RSA.
# Instead: the chain fails with code 12, "One of certificates was revoked via OCSP response", as soon as the *certificate* is
#   signed with RSA-PSS. The engine looks for a hash in the OID of the certificate's own signature algorithm; the OID of
#   RSASSA-PSS names none. It counts that as revoked before it has read the answer. Asked directly, getCertificateStatus of the
#   same answer says 0 (good), and without any answer the same chain is accepted.
# Seen: pkijs 4.0.0 (npm), the signature of the certificate on the left:
#   rsa: no answer true 0 | good answer true 0 | getCertificateStatus 0
#   pss: no answer true 0 | good answer false 12 One of certificates was revoked via OCSP response | getCertificateStatus 0
# Matters: a CA that moves its certificates to RSA-PSS sees its users report a mass revocation, and the responder is not at
#   fault. Compare the logs of the responder first; on this side ask getCertificateStatus.
# Clause: RFC 6960 2.2 ("good"); RFC 4055 3.1: the hash of RSASSA-PSS stands in its parameters, not in its OID.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 npm install --prefix "$dir" --no-audit --no-fund pkijs@4.0.0 >/dev/null

{
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  issue() { openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 20 -sha256 "$@"; }
  issue -out rsa.pem
  issue -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -out pss.pem
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' > index.txt
  openssl ocsp -issuer ca.pem -cert rsa.pem -CA ca.pem -rsigner ca.pem -rkey ca.key -index index.txt -ndays 1 -noverify -respout good.der
} >log 2>&1 || { cat log; exit 1; }
for leaf in rsa pss; do
  said=$(openssl ocsp -no_nonce -issuer ca.pem -cert $leaf.pem -respin good.der -CAfile ca.pem 2>&1 || true)
  grep -q "Response verify OK" <<<"$said" && grep -q "^$leaf.pem: good" <<<"$said" || { echo "setup: openssl does not call $leaf.pem good"; exit 1; }
done

cat > check.cjs <<'JS'
const pkijs = require('pkijs'), fs = require('fs');
const exact = (b) => b.buffer.slice(b.byteOffset, b.byteOffset + b.length);
const pem = (f) => pkijs.Certificate.fromBER(exact(Buffer.from(fs.readFileSync(f, 'utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64')));
const answer = () => pkijs.BasicOCSPResponse.fromBER(
  pkijs.OCSPResponse.fromBER(exact(fs.readFileSync('good.der'))).responseBytes.response.valueBlock.valueHex);
const chain = async (leaf, ocsps) => {
  const v = await new pkijs.CertificateChainValidationEngine({ trustedCerts: [pem('ca.pem')], certs: [pem(leaf)], ocsps }).verify();
  return `${v.result} ${v.resultCode} ${v.resultMessage}`.trim();
};
(async () => {
  for (const kind of ['rsa', 'pss']) {
    const f = `${kind}.pem`;
    const { isForCertificate, status } = await answer().getCertificateStatus(pem(f), pem('ca.pem'));
    console.log(`${kind}: no answer ${await chain(f, [])} | good answer ${await chain(f, [answer()])} | getCertificateStatus ${isForCertificate ? status : 'none'}`);
  }
})();
JS
got=$(timeout 30 node check.cjs)
echo "$got"
want='rsa: no answer true 0 | good answer true 0 | getCertificateStatus 0
pss: no answer true 0 | good answer false 12 One of certificates was revoked via OCSP response | getCertificateStatus 0'
[ "$got" = "$want" ] || { echo "changed: pkijs 4.0.0 says otherwise than the header"; exit 1; }
echo "as described"
