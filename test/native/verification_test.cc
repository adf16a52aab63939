// The verifier without memory: whatever allocation of OpenSSL fails, no bad message counts as authentic, and the error
// queue is left as it was found.
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <chrono>

#include "check.h"
#include "core/authority_info.h"
#include "core/basic_verify.h"
#include "core/response_verifier.h"
#include "core/text.h"
#include "fixtures.h"
#include "starvation.h"

using namespace ocsp;
using namespace fixtures;
using starvation::Fed;
using starvation::has_failed;

namespace {

Checks check;

void starve(const std::string& name, const std::function<bool()>& run) { starvation::starve(check, name, run); }

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct Party {
  EvpPkeyPtr key;
  X509Ptr x509;
};

// Of RSA a short key: signing is not what is tested.
EvpPkeyPtr make_short_key(const std::string& type) {
  if (type != "RSA-PSS") return make_key(type);
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type.c_str(), nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), 1024);
  EVP_PKEY_keygen(context.get(), &key);
  return EvpPkeyPtr(key);
}

const EVP_MD* hash_for(const std::string& type) { return type.rfind("ED", 0) == 0 ? nullptr : EVP_sha256(); }

void add_extension(X509* x509, int nid, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

struct Issue {
  const char* name;
  bool ca = false;
  bool responder = false;
  long lifetime = 3600;
};

// A new certificate each time: what the verifier has seen before it does not decode again. Self-signed without
// `issuer`.
Party make_party(const std::string& type, const EvpPkeyPtr& key, const Party* issuer, const Issue& issue) {
  Party party;
  EVP_PKEY_up_ref(key.get());
  party.key.reset(key.get());
  party.x509.reset(X509_new());
  X509* x509 = party.x509.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), below(UINT64_MAX));
  X509_gmtime_adj(X509_getm_notBefore(x509), -7200);
  X509_gmtime_adj(X509_getm_notAfter(x509), issue.lifetime);
  X509_NAME* name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(issue.name), -1, -1, 0);
  X509_set_issuer_name(x509, issuer == nullptr ? name : X509_get_subject_name(issuer->x509.get()));
  X509_set_pubkey(x509, party.key.get());
  if (issue.ca) add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
  if (issue.responder) {
    add_extension(x509, NID_ext_key_usage, "OCSPSigning");
    add_extension(x509, NID_id_pkix_OCSP_noCheck, "");
  }
  X509_sign(x509, issuer == nullptr ? party.key.get() : issuer->key.get(), hash_for(type));
  return party;
}

std::shared_ptr<const Certificate> certificate_of(const Party& party) {
  return Certificate::parse(der_of(party.x509.get())).value();
}

std::shared_ptr<SignerCertificate> signer_of(const Party& party) {
  return SignerCertificate::make(certificate_of(party)).value();
}

enum class Flaw { kNone, kSignature, kCertificate };

ByteVector make_response(const std::string& type, const Party& ca, const Party& signer, Flaw flaw) {
  struct Deleter {
    void operator()(OCSP_CERTID* id) const { OCSP_CERTID_free(id); }
    void operator()(ASN1_TIME* time) const { ASN1_TIME_free(time); }
  };
  const OcspBasicRespPtr basic(OCSP_BASICRESP_new());
  const std::unique_ptr<OCSP_CERTID, Deleter> id(OCSP_cert_to_id(EVP_sha1(), ca.x509.get(), ca.x509.get()));
  const std::unique_ptr<ASN1_TIME, Deleter> time(X509_gmtime_adj(nullptr, 0));
  OCSP_basic_add1_status(basic.get(), id.get(), V_OCSP_CERTSTATUS_GOOD, 0, nullptr, time.get(), nullptr);
  OCSP_basic_sign(basic.get(), signer.x509.get(), signer.key.get(), hash_for(type), nullptr, OCSP_RESPID_KEY);
  const OcspResponsePtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int length = i2d_OCSP_RESPONSE(response.get(), &der);
  ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  if (flaw == Flaw::kSignature) {
    DerContext context{bytes.data(), false, {}};
    ResponseLayout layout;
    parse_response(context, bytes, layout);
    bytes[static_cast<std::size_t>(layout.signature.end) - 1] ^= 1;
  }
  // The signer's certificate comes last, and its signature last in it.
  if (flaw == Flaw::kCertificate) bytes.back() ^= 1;
  return bytes;
}

constexpr unsigned long kOlder = ERR_PACK(ERR_LIB_USER, 0, 77);

// An authentication, with somebody else's entry in the error queue or without.
Authentication authenticate(ResponseVerifier& verifier, Bytes der, const std::shared_ptr<SignerCertificate>& issuer,
                            bool older, std::optional<Error>& error) {
  DerContext context{der.data(), false, {}};
  ResponseLayout layout;
  if (!check(parse_response(context, der, layout), "the response is well-formed")) return {};
  if (older) ERR_raise(ERR_LIB_USER, 77);
  const Authentication result = verifier.authenticate(der, layout, issuer, now(), error);
  // The queue holds sixteen: calls that fail over and over push older ones out.
  if (older) check(ERR_get_error() == kOlder || has_failed(), "an older error is still there");
  check(ERR_peek_error() == 0, "and no other");
  return result;
}

struct Case {
  std::string name;
  bool good;
  std::function<Party()> signer;
  Flaw flaw = Flaw::kNone;
};

// `renewed`: the CA signs with a certificate that no one has seen before.
std::vector<Case> cases_of(const std::string& type, const Party& ca, const Party& other, const EvpPkeyPtr& key,
                           bool renewed) {
  const auto issued = [&type, &key](const Party& by, const Issue& issue) {
    return [&type, &key, &by, issue] { return make_party(type, key, &by, issue); };
  };
  const auto itself = [&ca, &type, renewed] {
    if (renewed) return make_party(type, ca.key, nullptr, {"Test CA", true});
    Party same;
    EVP_PKEY_up_ref(ca.key.get());
    X509_up_ref(ca.x509.get());
    same.key.reset(ca.key.get());
    same.x509.reset(ca.x509.get());
    return same;
  };
  const Issue responder{"Responder", false, true};
  return {
      {"by the CA", true, itself},
      {"by a delegate", true, issued(ca, responder)},
      {"by the CA, broken", false, itself, Flaw::kSignature},
      {"by a delegate, broken", false, issued(ca, responder), Flaw::kSignature},
      {"by a delegate with a forged certificate", false, issued(ca, responder), Flaw::kCertificate},
      {"by a delegate of a namesake", false, issued(other, responder)},
      {"by an expired delegate", false, issued(ca, {"Responder", false, true, -3600})},
      {"by a certificate without OCSPSigning", false, issued(ca, {"Responder"})},
      {"by a stranger", false,
       [&type, &key] {
         return make_party(type, key, nullptr, {"Stranger", true, true});
       }},
  };
}

void test_verdicts(const std::string& type) {
  const EvpPkeyPtr key = make_short_key(type);
  const Party root = make_party(type, make_short_key(type), nullptr, {"Test root", true});
  const Party ca = make_party(type, make_short_key(type), &root, {"Test CA", true});
  const Party other = make_party(type, make_short_key(type), nullptr, {"Test CA", true});
  const auto issuer = signer_of(ca);
  TrustSources sources;
  sources.certificates.push_back(certificate_of(root));
  const std::shared_ptr<TrustStore> trust = TrustStore::create(sources).value();

  for (const bool trusting : {false, true}) {
    VerifierOptions options;
    if (trusting) options.trust = trust;
    options.max_remembered = 4;
    options.remember_for = std::chrono::hours(1);
    // Half of the runs: as verifyOcspResponse does.
    options.always_verify = !trusting;
    for (const Case& each : cases_of(type, ca, other, key, true)) {
      bool older = false;
      const std::string what = std::string(type).append(trusting ? ", with trust, " : ", ").append(each.name);
      starve(what, [&] {
        ByteVector der;
        std::optional<ResponseVerifier> verifier;
        {
          const Fed fed;
          der = make_response(type, ca, each.signer(), each.flaw);
          verifier.emplace(options);
          older = !older;
        }
        std::optional<Error> error;
        // Twice: what is remembered of the first time must not mislead the second.
        for (int time = 0; time < 2; ++time) {
          const auto outcome = authenticate(*verifier, der, issuer, older, error).outcome;
          if (outcome == AuthenticationOutcome::kAuthentic && (!each.good || error)) return false;
          if (each.good && !has_failed() && outcome != AuthenticationOutcome::kAuthentic) return false;
        }
        return true;
      });
    }
  }

  // Trusted by configuration.
  for (const Flaw flaw : {Flaw::kNone, Flaw::kSignature}) {
    starve(type + ", by a trusted responder", [&] {
      ByteVector der;
      std::optional<ResponseVerifier> verifier;
      {
        const Fed fed;
        const Party responder = make_party(type, key, nullptr, {"Responder"});
        der = make_response(type, ca, responder, flaw);
        VerifierOptions options;
        options.responders.push_back(signer_of(responder));
        verifier.emplace(options);
      }
      std::optional<Error> error;
      const auto outcome = authenticate(*verifier, der, issuer, false, error).outcome;
      if (outcome == AuthenticationOutcome::kAuthentic) return flaw == Flaw::kNone && !error;
      return flaw != Flaw::kNone || has_failed();
    });
  }
}

// A CA that shares no more than its name with the one that signed a certificate did not issue it.
void test_issuer(const std::string& type) {
  const EvpPkeyPtr key = make_short_key(type);
  const Party ca = make_party(type, make_short_key(type), nullptr, {"Test CA", true});
  const Party other = make_party(type, make_short_key(type), nullptr, {"Test CA", true});
  starve(type + ", the issuer of a certificate", [&] {
    std::shared_ptr<const Certificate> subject;
    std::shared_ptr<const Certificate> right;
    std::shared_ptr<const Certificate> wrong;
    {
      const Fed fed;
      subject = certificate_of(make_party(type, key, &ca, {"Subject"}));
      right = certificate_of(ca);
      wrong = certificate_of(other);
    }
    const auto named = issuer_mismatch(*subject, *right);
    return issuer_mismatch(*subject, *wrong) != std::string() && ((named && named->empty()) || has_failed());
  });
}

void test_basic_verify(const std::string& type) {
  const EvpPkeyPtr key = make_short_key(type);
  const Party ca = make_party(type, make_short_key(type), nullptr, {"Test CA", true});
  const Party other = make_party(type, make_short_key(type), nullptr, {"Test CA", true});
  TrustSources sources;
  sources.certificates.push_back(certificate_of(ca));
  for (const Case& each : cases_of(type, ca, other, key, false)) {
    ByteVector der = make_response(type, ca, each.signer(), each.flaw);
    starve(std::string(type).append(", OCSP_basic_verify, ").append(each.name), [&] {
      const auto trust = TrustStore::create(sources);
      if (!trust.ok()) return has_failed();
      BasicVerifyInput input;
      input.trust = trust.value();
      for (int time = 0; time < 2; ++time) {
        const auto outcome = basic_verify_response(der, input);
        if (!outcome.ok()) {
          if (!has_failed() || outcome.error().message.empty()) return false;
          continue;
        }
        const bool verified = outcome.value().verified;
        if (verified && (!each.good || outcome.value().error)) return false;
        if (!verified && (!outcome.value().error || (each.good && !has_failed()))) return false;
      }
      return true;
    });
    starve(std::string(type).append(", signer, ").append(each.name), [&] {
      const auto found = find_response_signer(der, {});
      return found.ok() ? !found.value().empty() || has_failed() : has_failed();
    });
  }
}

ByteVector make_request(const std::string& type, const Party& ca, const Party& signer, bool broken) {
  const OcspRequestPtr request(OCSP_REQUEST_new());
  OCSP_request_add0_id(request.get(), OCSP_cert_to_id(EVP_sha1(), ca.x509.get(), ca.x509.get()));
  OCSP_request_sign(request.get(), signer.x509.get(), signer.key.get(), hash_for(type), nullptr, 0);
  unsigned char* der = nullptr;
  const int length = i2d_OCSP_REQUEST(request.get(), &der);
  ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  if (broken) {
    // Inside the serial number, which ends the CertID: the message stays well-formed.
    DerContext context{bytes.data(), false, {}};
    RequestLayout layout;
    parse_request(context, bytes, layout);
    bytes[static_cast<std::size_t>(layout.first.cert_id.serial.end) - 1] ^= 1;
  }
  return bytes;
}

void test_requests(const std::string& type) {
  const EvpPkeyPtr key = make_short_key(type);
  const Party ca = make_party(type, make_short_key(type), nullptr, {"Test CA", true});
  const Party stranger = make_party(type, make_short_key(type), nullptr, {"Stranger", true});
  TrustSources sources;
  sources.certificates.push_back(certificate_of(ca));
  struct RequestCase {
    const char* name;
    const Party* issuer;
    bool broken;
  };
  for (const auto& [name, by, broken] :
       {RequestCase{"good", &ca, false}, RequestCase{"broken", &ca, true}, RequestCase{"strange", &stranger, false}}) {
    const Party client = make_party(type, key, by, {"Client", false, true});
    const ByteVector der = make_request(type, ca, client, broken);
    const bool good = by == &ca && !broken;
    starve(type + ", request: " + name, [&] {
      const auto trust = TrustStore::create(sources);
      if (!trust.ok()) return has_failed();
      BasicVerifyInput input;
      input.trust = trust.value();
      const auto outcome = basic_verify_request(der, input);
      if (!outcome.ok()) return has_failed() && !outcome.error().message.empty();
      const bool verified = outcome.value().verified;
      return verified ? good && !outcome.value().error : outcome.value().error && (!good || has_failed());
    });
    starve(type + ", printing a request", [&] {
      const Printed printed = print_request(der);
      return printed.error ? has_failed() : !printed.text.empty();
    });
  }
}

// More than the store has places for: the oldest goes, and what is left still works.
void test_cache() {
  const std::string type = "P-256";
  const EvpPkeyPtr key = make_short_key(type);
  const Party ca = make_party(type, make_short_key(type), nullptr, {"Test CA", true});
  CertificateCache& cache = CertificateCache::shared();
  ByteVector first;
  for (std::size_t i = 0; i < CertificateCache::kMaxEntries + 10; ++i) {
    const ByteVector der = der_of(make_party(type, key, &ca, {"Responder"}).x509.get());
    if (i == 0) first = der;
    const auto decoded = cache.decode(der);
    if (!check(decoded.ok() && cache.find(der) == decoded.value(), "a certificate is found again")) return;
    check(cache.decode(der).value() == decoded.value(), "and not decoded twice");
  }
  check(cache.size() == CertificateCache::kMaxEntries, "the cache has a bound");
  check(cache.find(first) == nullptr, "the oldest certificate is gone");
  const EvpPkeyPtr padded_key = make_short_key(type);
  const ByteVector padded = der_of(make_certificate(padded_key.get(), CertificateCache::kMaxCertificateSize).get());
  check(cache.decode(padded).ok() && cache.find(padded) == nullptr, "a huge certificate is not kept");
  check(!cache.decode(random_bytes(100)).ok(), "junk is not a certificate");
  std::size_t octets = 0;
  while (octets <= CertificateCache::kMaxOctets) {
    const ByteVector large =
        der_of(make_certificate(padded_key.get(), CertificateCache::kMaxCertificateSize / 2).get());
    octets += large.size();
    check(cache.decode(large).ok() && cache.find(large) != nullptr, "a large certificate is kept");
  }
  check(cache.size() <= CertificateCache::kMaxOctets / (CertificateCache::kMaxCertificateSize / 2),
        "the cache has a bound in octets");
}

}  // namespace

int main() {
  if (!starvation::install()) {
    std::printf("OpenSSL has allocated already\n");
    return 1;
  }
  // An algorithm that hashes first, one whose hash is in its parameters, and one that hashes by itself.
  for (const char* type : {"P-256", "RSA-PSS", "ED25519"}) {
    test_verdicts(type);
    test_issuer(type);
    test_basic_verify(type);
    test_requests(type);
  }
  test_cache();
  return check.finish();
}
