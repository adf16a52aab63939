#include "basic_verify.h"

#include <climits>
#include <utility>

#include "error_queue.h"

namespace ocsp {

namespace {

// What path validation did. OpenSSL's OCSP functions keep their X509_STORE_CTX to themselves, but call back from it.
struct PathTrace {
  X509StackPtr chain;
  int error = X509_V_OK;
  int depth = -1;
};

// A plain pointer: a verification runs on one thread from beginning to end.
thread_local PathTrace* current_trace = nullptr;

int record_path(int ok, X509_STORE_CTX* context) {
  if (current_trace == nullptr) return ok;
  const int depth = X509_STORE_CTX_get_error_depth(context);
  if (ok != 1 && current_trace->error == X509_V_OK) {
    current_trace->error = X509_STORE_CTX_get_error(context);
    current_trace->depth = depth;
  }
  if (ok != 1 || depth == 0) current_trace->chain.reset(X509_STORE_CTX_get1_chain(context));
  return ok;
}

class TraceScope {
 public:
  explicit TraceScope(PathTrace& trace) { current_trace = &trace; }
  ~TraceScope() { current_trace = nullptr; }
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;
};

Result<ByteVector> der_of(const X509* certificate, ErrorQueueScope& errors) {
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  if (length <= 0) return errors.take(ErrorCode::kOpenssl, "a certificate cannot be encoded");
  ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  return bytes;
}

// nullptr where memory ran out.
X509StackPtr stack_of(const std::vector<std::shared_ptr<const Certificate>>& certificates) {
  X509StackPtr stack(sk_X509_new_null());
  for (const auto& certificate : certificates) {
    X509* shared = certificate->get();
    read_extensions(shared);
    if (!stack || X509_up_ref(shared) != 1) return nullptr;
    if (sk_X509_push(stack.get(), shared) <= 0) {
      X509_free(shared);
      return nullptr;
    }
  }
  return stack;
}

Result<OcspBasicRespPtr> parse_basic(Bytes der) {
  ErrorQueueScope errors;
  const unsigned char* in = der.data();
  const OcspResponsePtr response(der.size() <= LONG_MAX ? d2i_OCSP_RESPONSE(nullptr, &in, static_cast<long>(der.size()))
                                                        : nullptr);
  if (!response) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the OCSPResponse");
  OcspBasicRespPtr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the BasicOCSPResponse");
  const STACK_OF(X509)* embedded = OCSP_resp_get0_certs(basic.get());
  for (int i = 0; i < sk_X509_num(embedded); ++i) read_extensions(sk_X509_value(embedded, i));
  return basic;
}

// Whether the CertID names `issuer`, by the hash that the CertID uses.
bool names_issuer(const OCSP_CERTID* id, const X509* issuer) {
  ASN1_OBJECT* oid = nullptr;
  ASN1_OCTET_STRING* name_hash = nullptr;
  ASN1_OCTET_STRING* key_hash = nullptr;
  OCSP_id_get0_info(&name_hash, &oid, &key_hash, nullptr, const_cast<OCSP_CERTID*>(id));
  char name[80];
  if (OBJ_obj2txt(name, sizeof name, oid, 0) <= 0) return false;
  const EvpMdPtr md(EVP_MD_fetch(nullptr, name, nullptr));
  if (!md) return false;
  const X509_NAME* subject = X509_get_subject_name(issuer);
  ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(issuer);
  struct CertIdDeleter {
    void operator()(OCSP_CERTID* pointer) const { OCSP_CERTID_free(pointer); }
  };
  const std::unique_ptr<OCSP_CERTID, CertIdDeleter> expected(
      key == nullptr ? nullptr : OCSP_cert_id_new(md.get(), subject, key, nullptr));
  return expected && OCSP_id_issuer_cmp(const_cast<OCSP_CERTID*>(id), expected.get()) == 0;
}

// Which of the ways of RFC 6960 4.2.2.2 led to the yes. OCSP_basic_verify does not say; it does look in this order, and
// it has made sure that all entries name one issuer.
Authority authority_of(OCSP_BASICRESP* basic, STACK_OF(X509) * chain) {
  const OCSP_SINGLERESP* first = OCSP_resp_get0(basic, 0);
  if (first == nullptr || chain == nullptr || sk_X509_num(chain) == 0) return Authority::kNone;
  const OCSP_CERTID* id = OCSP_SINGLERESP_get0_id(first);
  if (sk_X509_num(chain) > 1 && names_issuer(id, sk_X509_value(chain, 1))) return Authority::kDelegate;
  if (names_issuer(id, sk_X509_value(chain, 0))) return Authority::kCa;
  return Authority::kTrusted;
}

// Reads what the calls left behind. `verify` returns what OpenSSL returned.
template <typename Verify>
Result<BasicVerifyOutcome> run(const BasicVerifyInput& input, const char* refusal, Verify verify) {
  std::shared_ptr<TrustStore> trust = input.trust;
  if (!trust) {
    auto empty = TrustStore::create({});
    if (!empty.ok()) return empty.error();
    trust = std::move(empty.value());
  }
  auto lease = trust->lease(input.path);
  if (!lease.ok()) return lease.error();
  ErrorQueueScope errors;
  const X509StackPtr certificates = stack_of(input.certificates);
  if (!certificates) return errors.take(ErrorCode::kOpenssl, "out of memory");
  X509_STORE* store = lease.value()->get();
  X509_STORE_set_verify_cb(store, record_path);

  BasicVerifyOutcome outcome;
  PathTrace trace;
  int verified = 0;
  {
    const TraceScope scope(trace);
    verified = verify(certificates.get(), store);
  }
  // Only 1 is a yes: 0 is a no, a negative return is an error.
  outcome.verified = verified == 1;
  if (!outcome.verified) outcome.error = errors.take(ErrorCode::kOpenssl, refusal);
  if (trace.error != X509_V_OK) {
    outcome.certificate_error = trace.error;
    outcome.certificate_error_depth = trace.depth;
    outcome.certificate_error_text = X509_verify_cert_error_string(trace.error);
  }
  for (int i = 0; trace.chain && i < sk_X509_num(trace.chain.get()); ++i) {
    auto der = der_of(sk_X509_value(trace.chain.get(), i), errors);
    if (!der.ok()) return der.error();
    outcome.chain.push_back(std::move(der.value()));
  }
  return outcome;
}

}  // namespace

Result<BasicVerifyOutcome> basic_verify_response(Bytes der, const BasicVerifyInput& input) {
  auto parsed = parse_basic(der);
  if (!parsed.ok()) return parsed.error();
  OCSP_BASICRESP* basic = parsed.value().get();
  Authority authority = Authority::kNone;
  X509* signer = nullptr;  // borrowed from `basic` or the certificates of `input`
  auto outcome = run(input, "the response does not verify", [&](STACK_OF(X509) * certificates, X509_STORE * store) {
    const int verified = OCSP_basic_verify(basic, certificates, store, input.flags);
    const bool found = [&] {
      // The search itself must not add to what is reported.
      ErrorQueueScope quiet;
      return OCSP_resp_get0_signer(basic, &signer, certificates) == 1;
    }();
    ErrorQueueScope quiet;
    const bool given = found && sk_X509_find(certificates, signer) >= 0;
    // The search looks at embedded certificates even where the verification did not.
    if (!found || ((input.flags & OCSP_NOINTERN) != 0 && !given)) signer = nullptr;
    if (verified == 1) {
      if ((input.flags & OCSP_TRUSTOTHER) != 0 && given) {
        authority = Authority::kTrusted;
      } else if ((input.flags & (OCSP_NOVERIFY | OCSP_NOCHECKS)) == 0) {
        authority = authority_of(basic, current_trace->chain.get());
      }
    }
    return verified;
  });
  if (!outcome.ok()) return outcome.error();
  outcome.value().authority = authority;
  if (signer != nullptr) {
    ErrorQueueScope errors;
    auto bytes = der_of(signer, errors);
    if (!bytes.ok()) return bytes.error();
    outcome.value().signer = std::move(bytes.value());
  }
  return outcome;
}

Result<BasicVerifyOutcome> basic_verify_request(Bytes der, const BasicVerifyInput& input) {
  OcspRequestPtr request;
  {
    ErrorQueueScope errors;
    const unsigned char* in = der.data();
    request.reset(der.size() <= LONG_MAX ? d2i_OCSP_REQUEST(nullptr, &in, static_cast<long>(der.size())) : nullptr);
    if (!request) return errors.take(ErrorCode::kMalformed, "OpenSSL cannot parse the OCSPRequest");
  }
  auto outcome = run(input, "the request does not verify", [&](STACK_OF(X509) * certificates, X509_STORE * store) {
    return OCSP_request_verify(request.get(), certificates, store, input.flags);
  });
  if (!outcome.ok()) return outcome.error();
  if (!outcome.value().chain.empty()) outcome.value().signer = outcome.value().chain.front();
  return outcome;
}

Result<ByteVector> find_response_signer(Bytes der,
                                        const std::vector<std::shared_ptr<const Certificate>>& certificates) {
  auto parsed = parse_basic(der);
  if (!parsed.ok()) return parsed.error();
  ErrorQueueScope errors;
  const X509StackPtr extra = stack_of(certificates);
  if (!extra) return errors.take(ErrorCode::kOpenssl, "out of memory");
  X509* signer = nullptr;  // borrowed
  if (OCSP_resp_get0_signer(parsed.value().get(), &signer, extra.get()) != 1 || signer == nullptr) return ByteVector{};
  return der_of(signer, errors);
}

}  // namespace ocsp
