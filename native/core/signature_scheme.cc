#include "signature_scheme.h"

#include <openssl/core_names.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include <array>

#include "der_reader.h"
#include "der_writer.h"
#include "digest.h"
#include "error_queue.h"

namespace ocsp {

namespace {

constexpr std::array<std::uint8_t, 9> kRsassaPss = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
constexpr std::array<std::uint8_t, 9> kMgf1 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};

void write_hash_algorithm(DerWriter& out, const ASN1_OBJECT* oid) {
  const std::size_t mark = out.size();
  out.header(tag::kNull, 0);
  out.element(tag::kOid, {OBJ_get0_data(oid), OBJ_length(oid)});
  out.close(tag::kSequence, mark);
}

// RSASSA-PSS-params (RFC 4055 3.1). OpenSSL 3.0 offers no identifier for PSS. SHA-1 and a salt of 20 bytes are the
// defaults, and so are omitted.
Result<ByteVector> pss_algorithm(const EVP_MD* md, int salt_length) {
  const ASN1_OBJECT* oid = OBJ_nid2obj(EVP_MD_get_type(md));
  if (oid == nullptr || OBJ_length(oid) == 0) {
    return Error{ErrorCode::kUnsupportedAlgorithm, "the hash has no object identifier"};
  }
  DerWriter out(96);
  if (salt_length != 20) {
    const std::size_t salt = out.size();
    int rest = salt_length;
    do {
      out.octet(static_cast<std::uint8_t>(rest & 0xff));
      rest >>= 8;
    } while (rest != 0);
    if (*out.bytes().data() >= 0x80) out.octet(0);
    out.close(tag::kInteger, salt);
    out.close(tag::explicit_context(2), salt);
  }
  if (EVP_MD_get_type(md) != NID_sha1) {
    const std::size_t mgf = out.size();
    write_hash_algorithm(out, oid);
    out.element(tag::kOid, kMgf1);
    out.close(tag::kSequence, mgf);
    out.close(tag::explicit_context(1), mgf);
    const std::size_t hash = out.size();
    write_hash_algorithm(out, oid);
    out.close(tag::explicit_context(0), hash);
  }
  out.close(tag::kSequence, 0);
  out.element(tag::kOid, kRsassaPss);
  out.close(tag::kSequence, 0);
  return out.take();
}

Result<ByteVector> provider_algorithm(EVP_PKEY_CTX* context, ErrorQueueScope& errors) {
  std::array<std::uint8_t, 256> buffer;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, buffer.data(), buffer.size()),
      OSSL_PARAM_construct_end(),
  };
  if (EVP_PKEY_CTX_get_params(context, params) <= 0 || !OSSL_PARAM_modified(params) || params[0].return_size == 0) {
    return errors.take(ErrorCode::kUnsupportedAlgorithm, "OpenSSL names no signature algorithm for this key and hash");
  }
  return ByteVector(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(params[0].return_size));
}

}  // namespace

std::string provider_query(const EVP_PKEY* key) {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  if (provider == nullptr) return {};
  const std::string name = OSSL_PROVIDER_get0_name(provider);
  return name == "default" || name == "fips" ? std::string() : "?provider=" + name;
}

Result<PreparedSignature> prepare_signature(EVP_PKEY* key, const SignatureScheme& scheme,
                                            SignatureDirection direction) {
  ErrorQueueScope errors;
  const EVP_MD* md = nullptr;
  if (!scheme.hash.empty()) {
    const auto fetched = fetch_digest(scheme.hash);
    if (!fetched.ok()) return fetched.error();
    md = fetched.value();
  }
  PreparedSignature prepared{EvpMdCtxPtr(EVP_MD_CTX_new()), {}};
  if (!prepared.context) return errors.take(ErrorCode::kOpenssl, "out of memory");
  EVP_PKEY_CTX* context = nullptr;  // owned by prepared.context
  const std::string query = direction == SignatureDirection::kSign ? provider_query(key) : std::string();
  const auto init = [&] {
    if (!query.empty()) {
      const char* hash = md == nullptr ? nullptr : scheme.hash.c_str();
      return EVP_DigestSignInit_ex(prepared.context.get(), &context, hash, nullptr, query.c_str(), key, nullptr);
    }
    const auto open = direction == SignatureDirection::kSign ? EVP_DigestSignInit : EVP_DigestVerifyInit;
    return open(prepared.context.get(), &context, md, nullptr, key);
  };
  if (init() != 1) {
    return errors.take(ErrorCode::kOpenssl, "OpenSSL refuses this key with this hash");
  }
  if (scheme.pss) {
    const int salt = scheme.salt_length >= 0 ? scheme.salt_length : EVP_MD_get_size(md);
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) <= 0 || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) <= 0) {
      return errors.take(ErrorCode::kOpenssl, "OpenSSL refuses these RSASSA-PSS parameters");
    }
    auto algorithm = pss_algorithm(md, salt);
    if (!algorithm.ok()) return algorithm.error();
    prepared.algorithm = std::move(algorithm.value());
  } else {
    auto algorithm = provider_algorithm(context, errors);
    if (!algorithm.ok()) return algorithm.error();
    prepared.algorithm = std::move(algorithm.value());
  }
  return prepared;
}

Result<std::size_t> max_signature_size(EVP_PKEY* key) {
  // OpenSSL returns 0 where it cannot tell. A buffer of no bytes would turn the next call into a question for the
  // size, which succeeds.
  const int size = EVP_PKEY_get_size(key);
  if (size <= 0) return Error{ErrorCode::kOpenssl, "OpenSSL tells no length of signatures"};
  return static_cast<std::size_t>(size);
}

Result<bool> verify_signature(EVP_PKEY* key, const SignatureScheme& scheme, Bytes data, Bytes signature) {
  ErrorQueueScope errors;
  auto prepared = prepare_signature(key, scheme, SignatureDirection::kVerify);
  if (!prepared.ok()) return prepared.error();
  // Only 1 is a yes; a negative return says that the signature is not even well-formed.
  return EVP_DigestVerify(prepared.value().context.get(), signature.data(), signature.size(), data.data(),
                          data.size()) == 1;
}

}  // namespace ocsp
