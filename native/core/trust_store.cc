#include "trust_store.h"

#include <openssl/pem.h>

#include <climits>

#include "error_queue.h"

namespace ocsp {

namespace {

constexpr std::size_t kMaxIdle = 16;

X509CrlPtr parse_crl(Bytes bytes) {
  if (bytes.empty() || bytes.size() > INT_MAX) return nullptr;
  if (bytes[0] == 0x30) {
    const unsigned char* in = bytes.data();
    X509CrlPtr crl(d2i_X509_CRL(nullptr, &in, static_cast<long>(bytes.size())));
    return in == bytes.data() + bytes.size() ? std::move(crl) : nullptr;
  }
  const BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  return X509CrlPtr(bio ? PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

// What X509_STORE_set_default_paths does, part by part. A file or folder that is not there is no error.
bool add_system_trust(X509_STORE* store, unsigned parts) {
  if ((parts & kSystemFile) != 0) {
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == nullptr) return false;
    X509_LOOKUP_load_file(lookup, nullptr, X509_FILETYPE_DEFAULT);
  }
  if ((parts & kSystemFolder) != 0) {
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
    if (lookup == nullptr) return false;
    X509_LOOKUP_add_dir(lookup, nullptr, X509_FILETYPE_DEFAULT);
  }
  if ((parts & kSystemStore) != 0) {
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_store());
    if (lookup == nullptr) return false;
    X509_LOOKUP_add_store(lookup, nullptr);
  }
  return true;
}

struct PolicyStackDeleter {
  void operator()(STACK_OF(ASN1_OBJECT) * stack) const { sk_ASN1_OBJECT_pop_free(stack, ASN1_OBJECT_free); }
};

}  // namespace

Result<VerifyParamPtr> make_parameters(const PathParameters& parameters) {
  ErrorQueueScope errors;
  VerifyParamPtr param(X509_VERIFY_PARAM_new());
  if (!param) return errors.take(ErrorCode::kOpenssl, "the verification parameters cannot be set");
  if (!parameters.name.empty()) {
    const X509_VERIFY_PARAM* named = X509_VERIFY_PARAM_lookup(parameters.name.c_str());
    if (named == nullptr || X509_VERIFY_PARAM_set1(param.get(), named) != 1) {
      return errors.take(ErrorCode::kInvalidValue,
                         "OpenSSL knows no verification parameters '" + parameters.name + "'");
    }
  }
  if (X509_VERIFY_PARAM_set_flags(param.get(), parameters.flags) != 1) {
    return errors.take(ErrorCode::kOpenssl, "the verification parameters cannot be set");
  }
  if ((!parameters.host.empty() && X509_VERIFY_PARAM_set1_host(param.get(), parameters.host.c_str(), 0) != 1) ||
      (!parameters.email.empty() && X509_VERIFY_PARAM_set1_email(param.get(), parameters.email.c_str(), 0) != 1) ||
      (!parameters.ip.empty() && X509_VERIFY_PARAM_set1_ip_asc(param.get(), parameters.ip.c_str()) != 1)) {
    return errors.take(ErrorCode::kInvalidValue, "the identity to look for is not one");
  }
  if (parameters.time) X509_VERIFY_PARAM_set_time(param.get(), static_cast<time_t>(*parameters.time));
  if (parameters.depth >= 0) X509_VERIFY_PARAM_set_depth(param.get(), parameters.depth);
  if (parameters.security_level >= 0) X509_VERIFY_PARAM_set_auth_level(param.get(), parameters.security_level);
  if (!parameters.purpose.empty()) {
    const int index = X509_PURPOSE_get_by_sname(parameters.purpose.c_str());
    const X509_PURPOSE* purpose = index < 0 ? nullptr : X509_PURPOSE_get0(index);
    if (purpose == nullptr || X509_VERIFY_PARAM_set_purpose(param.get(), X509_PURPOSE_get_id(purpose)) != 1) {
      return errors.take(ErrorCode::kInvalidValue, "OpenSSL knows no purpose '" + parameters.purpose + "'");
    }
  }
  if (!parameters.policies.empty()) {
    const std::unique_ptr<STACK_OF(ASN1_OBJECT), PolicyStackDeleter> policies(sk_ASN1_OBJECT_new_null());
    for (const std::string& text : parameters.policies) {
      ASN1_OBJECT* oid = OBJ_txt2obj(text.c_str(), 1);
      if (oid == nullptr || !policies || sk_ASN1_OBJECT_push(policies.get(), oid) <= 0) {
        ASN1_OBJECT_free(oid);
        return errors.take(ErrorCode::kInvalidValue, "'" + text + "' is not a certificate policy");
      }
    }
    if (X509_VERIFY_PARAM_set1_policies(param.get(), policies.get()) != 1) {
      return errors.take(ErrorCode::kOpenssl, "the policies cannot be set");
    }
  }
  return param;
}

Result<std::shared_ptr<TrustStore>> TrustStore::create(TrustSources sources) {
  ErrorQueueScope errors;
  std::shared_ptr<TrustStore> trust(new TrustStore(std::move(sources)));
  for (const ByteVector& bytes : trust->sources_.crls) {
    X509CrlPtr crl = parse_crl(bytes);
    if (!crl) return errors.take(ErrorCode::kMalformed, "a certificate revocation list cannot be parsed");
    trust->crls_.push_back(std::move(crl));
  }
  trust->has_crls_ = !trust->crls_.empty();
  auto store = trust->build();
  if (!store.ok()) return store.error();
  trust->shared_ = std::move(store.value());
  return trust;
}

Result<X509StorePtr> TrustStore::build() const {
  ErrorQueueScope errors;
  X509StorePtr store(X509_STORE_new());
  if (!store) return errors.take(ErrorCode::kOpenssl, "the trust store cannot be made");
  for (const auto& certificate : sources_.certificates) {
    if (X509_STORE_add_cert(store.get(), certificate->get()) != 1) {
      return errors.take(ErrorCode::kOpenssl, "a certificate cannot be added to the trust store");
    }
  }
  for (const X509CrlPtr& crl : crls_) {
    if (X509_STORE_add_crl(store.get(), crl.get()) != 1) {
      return errors.take(ErrorCode::kOpenssl, "a revocation list cannot be added to the trust store");
    }
  }
  if (!sources_.ca_file.empty() && X509_STORE_load_file(store.get(), sources_.ca_file.c_str()) != 1) {
    return errors.take(ErrorCode::kInvalidValue, "no certificates can be read from " + sources_.ca_file);
  }
  if (!sources_.ca_store.empty() && X509_STORE_load_store(store.get(), sources_.ca_store.c_str()) != 1) {
    return errors.take(ErrorCode::kInvalidValue, "no certificates can be read from " + sources_.ca_store);
  }
  if (!sources_.ca_path.empty() && X509_STORE_load_path(store.get(), sources_.ca_path.c_str()) != 1) {
    return errors.take(ErrorCode::kInvalidValue, "certificates cannot be looked up in " + sources_.ca_path);
  }
  if (!add_system_trust(store.get(), sources_.system_default)) {
    return errors.take(ErrorCode::kOpenssl, "the system's trusted certificates cannot be read");
  }
  return store;
}

Result<std::unique_ptr<TrustStore::Lease>> TrustStore::lease(const PathParameters& parameters) {
  auto param = make_parameters(parameters);
  if (!param.ok()) return param.error();
  X509StorePtr store;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      store = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!store) {
    auto built = build();
    if (!built.ok()) return built.error();
    store = std::move(built.value());
  }
  // Replaces every parameter of the store, those that are at their default too.
  ErrorQueueScope errors;
  if (X509_VERIFY_PARAM_set_inh_flags(param.value().get(), X509_VP_FLAG_OVERWRITE | X509_VP_FLAG_RESET_FLAGS) != 1 ||
      X509_STORE_set1_param(store.get(), param.value().get()) != 1) {
    return errors.take(ErrorCode::kOpenssl, "the verification parameters cannot be set");
  }
  return std::make_unique<Lease>(*this, std::move(store));
}

void TrustStore::give_back(X509StorePtr store) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(store));
}

}  // namespace ocsp
