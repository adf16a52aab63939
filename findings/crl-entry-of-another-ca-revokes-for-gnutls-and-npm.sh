#!/usr/bin/env bash
# GnuTLS, pkijs, @peculiar/x509 and jsrsasign call a certificate revoked because the CRL lists its serial number for another CA.
#
# Expected: an entry of an indirect CRL with a certificateIssuer is about certificates of that CA, and so are those behind it until the next
#   one that has it. The extension is critical: who does not know it has to leave the list alone. So of a list that says "05 of Another CA;
#   1234" nothing is said of 1234 of the CA itself: it is not revoked.
# Instead: they look for the serial number alone, whosever it is. The order of entries, and the extension, make no difference.
# Versions: Debian 12: gnutls-bin and libgnutls30 3.7.9-2+deb12u7; npm: pkijs 4.0.0 (its chain engine), @peculiar/x509 1.14.0 (findRevoked),
#   jsrsasign 11.1.0 (findRevCert); beside them `openssl verify -crl_check -extended_crl` of OpenSSL 3.0, which follows the names.
# Seen: (the entries: what each makes of certificate 1234 of the CA)
#   "1234: openssl revoked, gnutls revoked, pkijs revoked, peculiar revoked, jsrsasign revoked"
#   "05 of Another CA, 1234: openssl good, gnutls revoked, pkijs revoked, peculiar revoked, jsrsasign revoked"
#   "05 of Another CA, 06 of CA, 1234: openssl revoked, gnutls revoked, pkijs revoked, peculiar revoked, jsrsasign revoked"
# Why it matters: CAs that put the revocations of several issuers into one list (RFC 5280 section 5 allows it, and some do so for sub CAs with
#   short, counted serial numbers) lock out the certificates of one by those of another. OCSP names the issuer in each answer. A list for
#   each issuer is safe with all of them.
# Clause: RFC 5280, 5.3.3.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 90 npm install --prefix "$dir" --no-audit --no-fund pkijs@4.0.0 @peculiar/x509@1.14.0 reflect-metadata@0.2.2 jsrsasign@11.1.0 >/dev/null
timeout 120 apt-get -qq -o APT::Sandbox::User=root download gnutls-bin=3.7.9-2+deb12u7 libgnutls30=3.7.9-2+deb12u7 \
  libgnutls-dane0=3.7.9-2+deb12u7 libunbound8=1.17.1-2+deb12u4 libevent-2.1-7=2.1.12-stable-8 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
certtool() { LC_ALL=C LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu timeout 20 "$dir/root/usr/bin/certtool" "$@"; }

{
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 \
    -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 20 -out leaf.pem
} 2>log || { cat log; exit 1; }

# No program of OpenSSL writes such a list.
cat >list.cjs <<'JS'
const { sign, X509Certificate } = require('node:crypto');
const fs = require('node:fs');
const hex = (text) => Buffer.from(text, 'hex');
const tlv = (tag, ...parts) => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
};
const sequence = (...parts) => tlv(0x30, ...parts);
const name = (text) => sequence(tlv(0x31, sequence(hex('0603550403'), tlv(0x0c, Buffer.from(text)))));
const hour = (n) => tlv(0x17, Buffer.from(`${new Date(Date.now() + n * 3600e3).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
const extension = (oid, value, critical) => sequence(tlv(6, hex(oid)), critical ? hex('0101ff') : hex(''), tlv(4, value));
const [file, ...entries] = process.argv.slice(2);
const revoked = entries.map((entry) => {
  const [serial, issuer] = entry.split('@');
  const own = issuer === undefined ? [] : [sequence(extension('551d1d', sequence(tlv(0xa4, name(issuer))), true))];
  return sequence(tlv(2, hex(serial)), hour(-1), ...own);
});
const ca = new X509Certificate(fs.readFileSync('ca.pem')).raw;
const keyId = ca.indexOf(hex('0603551d0e')) + 9;
const algorithm = sequence(hex('06082a8648ce3d040302'));
const extensions = sequence(
  extension('551d1c', sequence(hex('8401ff')), true),
  extension('551d14', hex('020101')),
  extension('551d23', sequence(tlv(0x80, ca.subarray(keyId, keyId + 20)))),
);
const tbs = sequence(hex('020101'), algorithm, name('CA'), hour(-1), hour(24), sequence(...revoked), tlv(0xa0, extensions));
const der = sequence(tbs, algorithm, tlv(3, hex('00'), sign('sha256', tbs, fs.readFileSync('ca.key'))));
fs.writeFileSync(file, `-----BEGIN X509 CRL-----\n${der.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END X509 CRL-----\n`);
JS
cat >read.cjs <<'JS'
require('reflect-metadata');
const fs = require('node:fs');
const pem = (name) => fs.readFileSync(name, 'utf8');
const der = (name) => new Uint8Array(Buffer.from(pem(name).replace(/-----[^-]+-----|\s/g, ''), 'base64')).buffer;
const say = (isRevoked) => (isRevoked ? 'revoked' : 'good');
(async () => {
  const pkijs = require('pkijs');
  const [ca, leaf] = ['ca.pem', 'leaf.pem'].map((file) => pkijs.Certificate.fromBER(der(file)));
  const crls = [pkijs.CertificateRevocationList.fromBER(der('list.pem'))];
  const { resultCode } = await new pkijs.CertificateChainValidationEngine({ trustedCerts: [ca], certs: [leaf], crls }).verify();
  const { X509Crl } = require('@peculiar/x509');
  const { X509CRL } = require('jsrsasign');
  const others = [new X509Crl(der('list.pem')).findRevoked('1234'), new X509CRL(pem('list.pem')).findRevCert(pem('leaf.pem'))];
  console.log(`pkijs ${say(resultCode === 12)}, peculiar ${say(others[0])}, jsrsasign ${say(others[1])}`);
})();
JS
look() { # what to call it, entries
  local title=$1 theirs=good ours=good said
  shift
  node list.cjs list.pem "$@"
  said=$(openssl crl -in list.pem -CAfile ca.pem -noout 2>&1)
  grep -q 'verify OK' <<<"$said" || { echo 'the list is not right' >&2; exit 1; }
  said=$(openssl verify -crl_check -extended_crl -CAfile ca.pem -CRLfile list.pem leaf.pem 2>&1 || true)
  grep -q 'OK$' <<<"$said" || { ours=revoked; grep -q 'certificate revoked' <<<"$said" || ours=$said; }
  said=$(certtool --verify --load-ca-certificate ca.pem --load-crl list.pem --infile leaf.pem 2>/dev/null | grep '^Chain' || true)
  grep -q 'The certificate is trusted' <<<"$said" || { theirs=revoked; grep -q 'chain is revoked' <<<"$said" || theirs=$said; }
  echo "$title: openssl $ours, gnutls $theirs, $(timeout 30 node read.cjs)"
}
got=$(look '1234' 1234
  look '05 of Another CA, 1234' '05@Another CA' 1234
  look '05 of Another CA, 06 of CA, 1234' '05@Another CA' 06@CA 1234)
echo "$got"
want='1234: openssl revoked, gnutls revoked, pkijs revoked, peculiar revoked, jsrsasign revoked
05 of Another CA, 1234: openssl good, gnutls revoked, pkijs revoked, peculiar revoked, jsrsasign revoked
05 of Another CA, 06 of CA, 1234: openssl revoked, gnutls revoked, pkijs revoked, peculiar revoked, jsrsasign revoked'
[ "$got" = "$want" ] || { echo 'CHANGED: not as the header says'; exit 1; }
echo 'as described'
