// Every allocation of OpenSSL fails in its turn, in every entry of the core: an error, never a crash, and never a
// success with a wrong outcome.
#include <algorithm>

#include "check.h"
#include "core/digest.h"
#include "core/lenient.h"
#include "core/response_data_signer.h"
#include "core/response_signer.h"
#include "fixtures.h"
#include "starvation.h"

using namespace ocsp;
using namespace fixtures;
using starvation::Fed;
using starvation::has_failed;

namespace {

Checks check;

void starve(const std::string& name, const std::function<bool()>& run) { starvation::starve(check, name, run); }

template <typename T>
bool refused(const Result<T>& result) {
  return !result.ok() && !result.error().message.empty();
}

// Judging needs memory, too.
bool verifies(EVP_PKEY* key, const SignatureScheme& scheme, Bytes data, Bytes signature) {
  const Fed fed;
  const auto verified = verify_signature(key, scheme, data, signature);
  return verified.ok() && verified.value();
}

void test_parsing() {
  const Identity ec = make_identity("P-256");
  const Identity rsa = make_identity("RSA");
  for (const Identity* identity : {&ec, &rsa}) {
    const ByteVector certificate = der_of(identity->x509.get());
    const ByteVector pkcs8 = pkcs8_of(identity->pkey.get());
    starve("certificate", [&] {
      const auto parsed = Certificate::parse(certificate);
      if (!parsed.ok()) return refused(parsed);
      const Certificate& known = *identity->certificate;
      return std::ranges::equal(parsed.value()->serial(), known.serial()) &&
             std::ranges::equal(parsed.value()->subject(), known.subject()) &&
             std::ranges::equal(parsed.value()->public_key_bits(), known.public_key_bits());
    });
    starve("private key", [&] {
      const auto parsed = PrivateKey::parse(pkcs8);
      if (!parsed.ok()) return refused(parsed);
      const SignatureScheme scheme{"SHA256", false, -1};
      const auto signature = parsed.value()->sign(scheme, pkcs8);
      if (!signature.ok()) return refused(signature);
      return !signature.value().algorithm.empty() &&
             verifies(identity->pkey.get(), scheme, pkcs8, signature.value().value);
    });
  }
  for (const char* name : {"resp-sha256", "resp-responder-key-hash", "resp-revoked-reason", "resp-unauthorized"}) {
    const ByteVector message = read_file(std::string("test/vectors/reference/x509/ocsp/") + name + ".der");
    const auto expected = normalize_response(message);
    starve(name, [&] {
      const auto normalized = normalize_response(message);
      return normalized.ok() ? normalized.value() == expected.value() : refused(normalized);
    });
  }
  for (const char* name : {"req-sha1", "req-ext-nonce", "req-multi-sha1"}) {
    const ByteVector message = read_file(std::string("test/vectors/reference/x509/ocsp/") + name + ".der");
    const auto expected = normalize_request(message);
    starve(name, [&] {
      const auto normalized = normalize_request(message);
      return normalized.ok() ? normalized.value() == expected.value() : refused(normalized);
    });
  }
}

bool is_signed(Bytes response, X509* signer) {
  const Fed fed;
  return is_signed_by(response, signer);
}

void test_signing(const std::string& type) {
  const Identity identity = make_identity(type);
  const SignatureScheme scheme{type.rfind("ED", 0) == 0 ? "" : "SHA256", type == "RSA-PSS", -1};
  const ByteVector data = random_bytes(300);
  const auto expected = identity.key->sign(scheme, data);
  const ByteVector pkcs8 = pkcs8_of(identity.pkey.get());
  const auto good = [&](const Result<Signature>& signature) {
    if (!signature.ok()) return refused(signature);
    return signature.value().algorithm == expected.value().algorithm &&
           verifies(identity.pkey.get(), scheme, data, signature.value().value);
  };
  // Each run has a key of its own: a failure may leave the blinding factors of an RSA key half renewed, and OpenSSL
  // then signs wrongly with that key until it makes new ones.
  const auto fresh_key = [&] {
    const Fed fed;
    return PrivateKey::parse(pkcs8).value();
  };
  starve("first signature of a key: " + type, [&] { return good(fresh_key()->sign(scheme, data)); });
  starve("second signature of a key: " + type, [&] {
    const auto fresh = fresh_key();
    const auto first = [&] {
      const Fed fed;
      return fresh->sign(scheme, data);
    }();
    return first.ok() && good(fresh->sign(scheme, data));
  });
  ResponseDataFields fields;
  const ByteVector responder_id = digest("SHA1", identity.certificate->public_key_bits()).value();
  fields.responder_id_tag = 2;
  fields.responder_id = responder_id;
  fields.responses.resize(1);
  fields.responses[0].cert_id = {0, Bytes(data).first(20), Bytes(data).first(20), Bytes(data).first(1)};
  starve("two responses of a prepared signer: " + type, [&] {
    auto signer = ResponseDataSigner::create(fresh_key(), identity.certificate, scheme, {identity.certificate});
    if (!signer.ok()) return refused(signer);
    // What has failed does not spoil what comes next.
    for (int i = 0; i < 2; ++i) {
      const auto response = signer.value()->sign(fields);
      if (!response.ok() && !refused(response)) return false;
      if (response.ok() && !is_signed(response.value(), identity.x509.get())) return false;
    }
    return true;
  });
  starve("verifying: " + type, [&] {
    const auto verified = verify_signature(identity.pkey.get(), scheme, data, expected.value().value);
    return !verified.ok() || verified.value() || has_failed();  // without memory, "no" is all that OpenSSL says
  });
  starve("refuting: " + type, [&] {
    const auto verified = verify_signature(identity.pkey.get(), scheme, pkcs8, expected.value().value);
    return !verified.ok() || !verified.value();
  });
  starve("whose certificate: " + type, [&] { return identity.key->belongs_to(identity.certificate) || has_failed(); });

  auto profile = std::make_shared<SignerProfile>();
  profile->responder = identity.certificate;
  profile->scheme = scheme;
  profile->issuer_name_hash = random_bytes(20);
  profile->issuer_key_hash = random_bytes(20);
  profile->certificates.push_back(identity.certificate);
  const ByteVector serial = random_serial(8);
  const StatusEntry entry{serial, 0, -1, 0, 1'700'000'000, std::nullopt, {}};
  const auto sign = [&](ResponseSigner& signer) {
    const auto response = signer.sign(entry, 1'700'000'000);
    if (!response.ok()) return refused(response);
    const Fed fed;
    const auto verified = signer.verify_last();
    return verified.ok() && verified.value();
  };
  starve("a signer: " + type, [&] {
    profile->key = fresh_key();
    auto signer = ResponseSigner::create(profile);
    return signer.ok() ? sign(*signer.value()) : refused(signer);
  });
  starve("a response: " + type, [&] {
    profile->key = fresh_key();
    const auto signer = [&] {
      const Fed fed;
      return ResponseSigner::create(profile);
    }();
    return signer.ok() && sign(*signer.value());
  });
}

}  // namespace

int main() {
  if (!starvation::install()) {
    std::printf("OpenSSL has allocated already\n");
    return 1;
  }
  const ByteVector data = random_bytes(100);
  const auto expected = digest("SHA256", data);
  starve("digest", [&] {
    const auto hashed = digest("SHA256", data);
    return hashed.ok() ? hashed.value() == expected.value() : refused(hashed);
  });
  starve("an unknown digest", [] { return refused(digest("NO-SUCH-HASH", {})); });
  test_parsing();
  for (const char* type : {"P-256", "RSA", "RSA-PSS", "DSA", "ED25519", "ED448"}) test_signing(type);
  return check.finish();
}
