#!/usr/bin/env bash
# Ruby's OpenSSL::OCSP signs answers and requests with SHA-1 when no digest is named; the OpenSSL below it would take SHA-256.
#
# Expected: BasicResponse#sign(cert, key) and Request#sign(cert, key) leave the digest to OpenSSL, as its own command `openssl ocsp`
#   does: SHA-256 for RSA and for P-256.
# Instead: both write SHA-1 signatures, for RSA and for ECDSA, and give no warning. Only the digest as the fifth argument helps, behind
#   the list of certificates and the flags. Certificate#sign of the same gem cannot be called without a digest at all.
# Seen: Debian ruby3.1 3.1.7+really3.1.2-0+deb12u1 (openssl gem 3.0.1), signature algorithms as `openssl ocsp -resp_text`/`-req_text` names them:
#   rsa: command sha256WithRSAEncryption | response sha1WithRSAEncryption, SHA256 named sha256WithRSAEncryption | request sha1WithRSAEncryption
#   ec: command ecdsa-with-SHA256 | response ecdsa-with-SHA1, SHA256 named ecdsa-with-SHA256 | request ecdsa-with-SHA1
# Matters: OpenSSL 3.0 and ocsptool 3.7.9 take these answers without a word, so a responder in Ruby keeps it until a client or an audit with a
#   rule against SHA-1 comes, and then the certificates are looked at, which are fine. Name the digest:
#   sign(cert, key, certs, 0, OpenSSL::Digest.new('SHA256')).
# Clause: RFC 6960 4.3: a client has to know RSA with SHA-256; RSA with SHA-1 is a SHOULD, ECDSA with SHA-1 is not named.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
v=3.1.7+really3.1.2-0+deb12u1
timeout 50 apt-get -qq -o APT::Sandbox::User=root download ruby3.1=$v libruby3.1=$v >/dev/null
for deb in *.deb; do dpkg -x "$deb" .; done
lib=$dir/usr/lib multi=$(dirname usr/lib/*/libruby-3.1.so.3.1)
export LD_LIBRARY_PATH=$dir/$multi RUBYLIB=$lib/ruby/3.1.0:$dir/$multi/ruby/3.1.0:$lib/ruby/vendor_ruby

{
  openssl genrsa -out rsa.key 2048
  openssl ecparam -name prime256v1 -genkey -noout -out ec.key
  printf 'V\t491231235959Z\t\t1234\tunknown\t/CN=leaf\n' > index.txt
  for kind in rsa ec; do
    openssl req -x509 -key $kind.key -out $kind.pem -subj /CN=CA -days 30
    openssl ocsp -issuer $kind.pem -serial 0x1234 -CA $kind.pem -rsigner $kind.pem -rkey $kind.key -index index.txt -ndays 1 -noverify -respout $kind-command
  done
} >log 2>&1 || { cat log; exit 1; }

cat > sign.rb <<'RUBY'
require 'openssl'
include OpenSSL
%w[rsa ec].each do |kind|
  ca, key = X509::Certificate.new(File.read("#{kind}.pem")), PKey.read(File.read("#{kind}.key"))
  leaf = X509::Certificate.new.tap { |c| c.serial = 0x1234; c.issuer = ca.subject }
  id = OCSP::CertificateId.new(leaf, ca)
  { 'response' => [], 'named' => [nil, 0, OpenSSL::Digest.new('SHA256')] }.each do |name, more|
    basic = OCSP::BasicResponse.new
    basic.add_status(id, OCSP::V_CERTSTATUS_GOOD, 0, nil, -60, 86_400, nil)
    basic.sign(ca, key, *more)
    File.binwrite("#{kind}-#{name}", OCSP::Response.create(OCSP::RESPONSE_STATUS_SUCCESSFUL, basic).to_der)
  end
  begin
    ca.dup.sign(key)
    abort 'setup: Certificate#sign works without a digest'
  rescue ArgumentError
  end
  File.binwrite("#{kind}-request", OCSP::Request.new.add_certid(id).sign(ca, key).to_der)
end
RUBY
timeout 30 "$dir/usr/bin/ruby3.1" --disable-gems sign.rb

# The signature of the message stands before the certificates inside, so the first line counts.
response() { openssl ocsp -respin "$1" -noverify -resp_text | sed -n 's/^ *Signature Algorithm: //p' | sed -n 1p; }
request() { openssl ocsp -reqin "$1" -req_text | sed -n 's/^ *Signature Algorithm: //p' | sed -n 1p; }
got=$(for kind in rsa ec; do
  echo "$kind: command $(response $kind-command) | response $(response $kind-response), SHA256 named $(response $kind-named) | request $(request $kind-request)"
done)
echo "$got"
want='rsa: command sha256WithRSAEncryption | response sha1WithRSAEncryption, SHA256 named sha256WithRSAEncryption | request sha1WithRSAEncryption
ec: command ecdsa-with-SHA256 | response ecdsa-with-SHA1, SHA256 named ecdsa-with-SHA256 | request ecdsa-with-SHA1'
[ "$got" = "$want" ] || { echo "changed: Ruby 3.1 says otherwise than the header"; exit 1; }
echo "as described"
