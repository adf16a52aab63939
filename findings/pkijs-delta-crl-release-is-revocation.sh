#!/usr/bin/env bash
# pkijs calls a certificate revoked because a delta CRL says that it is no longer on hold.
#
# Expected: a delta CRL lists a certificate with the reason removeFromCRL to say that its hold has ended. With the newest complete CRL,
#   which does not list it, or with the old one and this delta, the certificate is good. pkijs knows the extension that marks a delta:
#   CertificateRevocationList.verify takes such a list, though that extension is critical.
# Instead: being on any list counts as revoked: isCertificateRevoked looks at no reason, and the chain engine joins no delta with its base.
#   So the release itself is what revokes.
# Seen: pkijs 4.0.0 (npm), one certificate, the lists that the engine got; beside it what OpenSSL's `verify -use_deltas` says:
#   complete 5 (does not list it): pkijs true 0 | openssl OK
#   complete 4 (on hold): pkijs false 12 One of certificates had been revoked | openssl certificate revoked
#   complete 4 and delta 5 (released): pkijs false 12 One of certificates had been revoked | openssl OK
#   complete 5 and delta 5 (released): pkijs false 12 One of certificates had been revoked | openssl OK
# Matters: OCSP says good, and the same certificate is "revoked" in a Node program that was handed the CA's delta CRL. Hand it complete CRLs.
# Clause: RFC 5280 5.2.4 and 5.3.1: removeFromCRL stands in delta CRLs only, and takes the certificate off the list.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
timeout 50 npm install --prefix "$dir" --no-audit --no-fund pkijs@4.0.0 >/dev/null

crl() { # file, number, base or -, reason or -
  : > index.txt
  [ "$4" = - ] || printf 'R\t491231235959Z\t%s,%s\t1234\tunknown\t/CN=leaf\n' "$then" "$4" > index.txt
  {
    printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\ndefault_crl_days=1\n'
    printf 'crl_extensions=x\n[x]\nauthorityKeyIdentifier=keyid\n2.5.29.20=DER:02:01:0%s\n' "$2"
    [ "$3" = - ] || printf '2.5.29.27=critical,DER:02:01:0%s\n' "$3"
  } > ca.cnf
  openssl ca -gencrl -config ca.cnf -out "$1.pem"
}
{
  then=$(date -u -d '-1 hour' +%y%m%d%H%M%SZ)
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 30 -addext keyUsage=critical,keyCertSign,cRLSign
  openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf
  openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x1234 -days 20 -out leaf.pem \
    -extfile <(printf 'freshestCRL=URI:http://ca.example/delta.crl\n')
  crl complete4 4 - certificateHold
  crl complete5 5 - -
  crl delta5 5 4 removeFromCRL
} >log 2>&1 || { cat log; exit 1; }

cat > check.cjs <<'JS'
const pkijs = require('pkijs'), fs = require('fs');
const der = (name) => {
  const b = Buffer.from(fs.readFileSync(`${name}.pem`, 'utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return b.buffer.slice(b.byteOffset, b.byteOffset + b.length);
};
const crls = process.argv.slice(2).map((name) => pkijs.CertificateRevocationList.fromBER(der(name)));
const [ca, leaf] = ['ca', 'leaf'].map((name) => pkijs.Certificate.fromBER(der(name)));
new pkijs.CertificateChainValidationEngine({ trustedCerts: [ca], certs: [leaf], crls }).verify()
  .then((v) => console.log(`${v.result} ${v.resultCode} ${v.resultMessage}`.trim()));
JS
say() { # title, lists
  local title=$1 said; shift
  said=$(openssl verify -crl_check -extended_crl -use_deltas -CAfile ca.pem $(printf -- '-CRLfile %s.pem ' "$@") leaf.pem 2>&1 || true)
  echo "$title: pkijs $(timeout 20 node check.cjs "$@") | openssl $(grep -om1 'OK$\|certificate revoked' <<<"$said" || echo "$said")"
}
got=$(say "complete 5 (does not list it)" complete5
  say "complete 4 (on hold)" complete4
  say "complete 4 and delta 5 (released)" complete4 delta5
  say "complete 5 and delta 5 (released)" complete5 delta5)
echo "$got"
want='complete 5 (does not list it): pkijs true 0 | openssl OK
complete 4 (on hold): pkijs false 12 One of certificates had been revoked | openssl certificate revoked
complete 4 and delta 5 (released): pkijs false 12 One of certificates had been revoked | openssl OK
complete 5 and delta 5 (released): pkijs false 12 One of certificates had been revoked | openssl OK'
[ "$got" = "$want" ] || { echo "changed: pkijs 4.0.0 says otherwise than the header"; exit 1; }
echo "as described"
