#!/usr/bin/env bash
# GnuTLS takes a signature by RSA-PSS only when the salt is as long as the hash; what openssl writes by default has a salt of 222 bytes.
#
# Expected: the salt's length is written in the signature's parameters, and any will do; 20 is their default.
# Instead: with an RSA key that is not tied to PSS, GnuTLS ignores what the parameters say and expects 32 bytes for SHA-256. Answers,
#   CRLs and certificates with another salt have an "invalid" signature, and wget refuses a site for such a staple, though its user asked for
#   no OCSP at all.
# Versions: Debian 12: gnutls-bin and libgnutls30 3.7.9-2+deb12u7, wget 1.21.3-1+deb12u1; signed by `openssl ocsp`, `openssl ca` and `openssl x509`,
#   which verify all of it.
# Seen: (salt: what GnuTLS makes of the answer, the CRL, the certificate, and wget of a staple)
#   "32: yes yes yes fetched", "20: no no no refused", "48: no no no refused", "none given: no no no refused".
# Why it matters: `-rsigopt rsa_padding_mode:pss` is not enough. With it alone curl and openssl are content, and apt, wget and what else is on
#   GnuTLS cannot connect. Add `-rsigopt rsa_pss_saltlen:digest`; openssl 3.0 takes the longest salt that fits.
# Clause: RFC 8017, A.2.3 (saltLength, default 20), RFC 4055, 3.1.
set -euo pipefail
dir=$(mktemp -d)
server=
end() { [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }; rm -rf "$dir"; }
trap end EXIT
changed() { echo "CHANGED: $*"; exit 1; }
cd "$dir"

timeout 120 apt-get -qq -o APT::Sandbox::User=root download gnutls-bin=3.7.9-2+deb12u7 libgnutls30=3.7.9-2+deb12u7 \
  libgnutls-dane0=3.7.9-2+deb12u7 libunbound8=1.17.1-2+deb12u4 libevent-2.1-7=2.1.12-stable-8 wget=1.21.3-1+deb12u1 libpsl5=0.21.2-1 ||
  { echo 'the packages cannot be fetched'; exit 1; }
for file in *.deb; do dpkg -x "$file" root; done
gnutls() { LC_ALL=C LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu timeout 20 "$dir/root/usr/bin/$1" "${@:2}"; }

openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout site.key -out site.csr -subj /CN=localhost 2>/dev/null
echo 'subjectAltName=DNS:localhost' >site.ext
openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2B -days 1 -extfile site.ext -out site.pem 2>/dev/null
printf 'V\t491231235959Z\t\t1A2B\tunknown\t/CN=localhost\n' >index.txt
printf '[ca]\ndefault_ca=one\n[one]\ndatabase=index.txt\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\ndefault_crl_days=1\n' >ca.conf

# verdict FILE PATTERN: yes when a line of the file has the words
verdict() { if grep -q "$2" "$1"; then echo yes; else echo no; fi; }
# try NAME SALT EXPECTED: SALT as in the parameters of the signature
try() {
  local sign=(rsa_padding_mode:pss) options=() answer crl certificate staple port
  [ "$1" = 'none given' ] || sign+=("rsa_pss_saltlen:$1")
  for option in "${sign[@]}"; do options+=(-sigopt "$option"); done
  openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 0x1A2C -days 1 "${options[@]}" -out pss.pem 2>/dev/null
  openssl ca -config ca.conf -gencrl "${options[@]}" -out pss.crl 2>/dev/null
  openssl ocsp -CA ca.pem -issuer ca.pem -cert site.pem -index index.txt -rsigner ca.pem -rkey ca.key -ndays 1 -no_nonce -noverify \
    "${options[@]/-sigopt/-rsigopt}" -respout pss.der >/dev/null 2>&1
  openssl verify -CAfile ca.pem pss.pem >/dev/null || changed "openssl does not take the certificate, $1"
  openssl crl -in pss.crl -CAfile ca.pem -noout >/dev/null 2>check.txt && grep -q 'verify OK' check.txt || changed "openssl does not take the CRL, $1"
  openssl ocsp -respin pss.der -issuer ca.pem -cert site.pem -no_nonce -CAfile ca.pem >check.txt 2>&1
  grep -q 'Response verify OK' check.txt && grep -q '^site.pem: good' check.txt || changed "openssl does not take the answer, $1"
  openssl ocsp -respin pss.der -noverify -resp_text >check.txt 2>&1
  grep -q "Salt Length: $2" check.txt || { cat check.txt; changed "another salt, $1"; }

  gnutls ocsptool --verify-response --load-trust ca.pem --load-response pss.der >answer.txt 2>&1 || true
  answer=$(verdict answer.txt 'Verifying OCSP Response: Success')
  gnutls certtool --verify-crl --load-ca-certificate ca.pem --infile pss.crl >crl.txt 2>&1 || true
  crl=$(verdict crl.txt 'Verified. The certificate is trusted')
  gnutls certtool --verify --load-ca-certificate ca.pem --infile pss.pem >certificate.txt 2>&1 || true
  certificate=$(verdict certificate.txt 'Chain verification output: Verified')

  : >server.txt
  timeout 30 openssl s_server -accept 127.0.0.1:0 -cert site.pem -key site.key -cert_chain ca.pem -status_file pss.der -www >server.txt 2>&1 &
  server=$!
  timeout 10 bash -c 'until grep -q ^ACCEPT server.txt; do sleep 0.1; done' || changed 'openssl s_server does not listen'
  port=$(sed -n 's/^ACCEPT.*:\([0-9]*\)$/\1/p' server.txt)
  if gnutls wget --no-config -nv -t 1 -O /dev/null --ca-certificate=ca.pem "https://localhost:$port/" >wget.txt 2>&1; then
    staple=fetched
  else
    staple=refused
    grep -q "certificate of 'localhost' is not trusted" wget.txt || { cat wget.txt; changed "wget says otherwise why, $1"; }
  fi
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=
  echo "$1: $answer $crl $certificate $staple"
  [ "$answer $crl $certificate $staple" = "$3" ] || { cat answer.txt crl.txt certificate.txt wget.txt; changed "$1: expected $3"; }
}
try 32 0x20 'yes yes yes fetched'
try 20 0x14 'no no no refused'
try 48 0x30 'no no no refused'
try 'none given' 0xDE 'no no no refused'
echo 'as described: a salt as long as the hash, or nothing'
