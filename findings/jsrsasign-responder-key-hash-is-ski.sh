#!/usr/bin/env bash
# jsrsasign names the responder by the subjectKeyIdentifier of its certificate, not by the hash of its key.
#
# Expected: an answer built with respid {key: CERTIFICATE} holds byKey: the SHA-1 of the responder's public key.
# Instead: it holds whatever the extension subjectKeyIdentifier of that certificate says. Where the CA made that value by SHA-1, as
#   most did, both are the same, and all is well. Where it made it otherwise (the first 160 bits of SHA-256, RFC 7093) the answer is
#   signed well and names nobody: no client finds the signer, although its certificate is inside. A certificate without the
#   extension throws.
# Seen: jsrsasign 11.1.5 (npm); one key, three certificates with the same name, checked by `openssl ocsp`:
#   SKI by SHA-1: ResponderID is the key's SHA-1: yes | Response verify OK
#   SKI by RFC 7093: ResponderID is the key's SHA-1: no, it is the SKI | signer certificate not found
#   no SKI: threw wrong key member value
# Matters: a renewed responder certificate with another kind of SKI breaks every client at once, with the same key and the same code.
#   Give the hash itself: respid {key: "HEX OF THE SHA-1 OF THE BIT STRING"}, or name the responder by its subject.
# Clause: RFC 6960 4.2.1: KeyHash is the SHA-1 of the responder's public key; RFC 5280 4.2.1.2 leaves the making of a SKI open.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 npm install --prefix "$dir" --no-audit --no-fund jsrsasign@11.1.5 >/dev/null

openssl genrsa -traditional -out ca.key 2048 2>/dev/null
sha1=$(openssl rsa -in ca.key -RSAPublicKey_out -outform DER 2>/dev/null | openssl dgst -sha1 -r | cut -c1-40)
rfc7093=$(openssl rsa -in ca.key -RSAPublicKey_out -outform DER 2>/dev/null | openssl dgst -sha256 -r | cut -c1-40)
for kind in "sha1 $sha1" "rfc7093 $rfc7093" "none none"; do
  read -r name ski <<<"$kind"
  openssl req -x509 -key ca.key -out $name.pem -subj /CN=CA -days 30 -addext subjectKeyIdentifier=$ski -addext authorityKeyIdentifier=none
done
openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf 2>/dev/null
openssl x509 -req -in leaf.csr -CA sha1.pem -CAkey ca.key -set_serial 0x1234 -days 20 -out leaf.pem 2>/dev/null

cat > sign.cjs <<'JS'
const { KJUR } = require('jsrsasign'), fs = require('fs');
const [name] = process.argv.slice(2), read = (f) => fs.readFileSync(f, 'utf8');
const time = (ms) => new Date(Date.now() + ms).toISOString().replace(/[-:T]|\.\d+/g, '');
const ca = read(`${name}.pem`);
try {
  const answer = new KJUR.asn1.ocsp.OCSPResponse({
    resstatus: 'successful', restype: 'ocspBasic', respid: { key: ca }, prodat: time(-60e3),
    array: [{ certid: { alg: 'sha1', issuerCert: ca, subjectCert: read('leaf.pem') }, status: { status: 'good' },
      thisupdate: time(-60e3), nextupdate: time(86400e3) }],
    sigalg: 'SHA256withRSA', reskey: read('ca.key'), certs: [ca],
  });
  fs.writeFileSync(`${name}.der`, answer.tohex(), 'hex');
} catch (e) { console.log(`threw ${e.message ?? e}`); }
JS
describe() {
  local said id
  said=$(timeout 30 node sign.cjs "$1")
  [ -z "$said" ] || { echo "$said"; return; }
  id=$(openssl ocsp -respin "$1.der" -noverify -resp_text | sed -n 's/.*Responder Id: //p' | tr 'A-F' 'a-f')
  case $id in
    "$sha1") id=yes ;;
    "$rfc7093") id="no, it is the SKI" ;;
  esac
  said=$(openssl ocsp -no_nonce -issuer "$1.pem" -cert leaf.pem -respin "$1.der" -CAfile "$1.pem" 2>&1 || true)
  echo "ResponderID is the key's SHA-1: $id | $(grep -om1 'Response verify OK\|signer certificate not found' <<<"$said")"
}
got="SKI by SHA-1: $(describe sha1)
SKI by RFC 7093: $(describe rfc7093)
no SKI: $(describe none)"
echo "$got"
want="SKI by SHA-1: ResponderID is the key's SHA-1: yes | Response verify OK
SKI by RFC 7093: ResponderID is the key's SHA-1: no, it is the SKI | signer certificate not found
no SKI: threw wrong key member value"
[ "$got" = "$want" ] || { echo "changed: jsrsasign 11.1.5 says otherwise than the header"; exit 1; }
echo "as described"
