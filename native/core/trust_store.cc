#include "trust_store.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509err.h>

#include <algorithm>
#include <array>

#include "error_queue.h"
#include "pem.h"

namespace ocsp {

namespace {

constexpr std::size_t kMaxIdleStores = 16;
// What OpenSSL holds for one decoded certificate, measured roughly.
constexpr std::int64_t kTrustedSize = 4096;

constexpr unsigned long kCrlFlags = X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;

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

// Where a shared store says whose it is.
int owner_index() {
  static const int index = X509_STORE_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
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

std::int64_t end_of_lists(const X509_STORE_CTX* context, unsigned long flags, std::int64_t at) {
  std::int64_t end = INT64_MAX;
  if ((flags & X509_V_FLAG_CRL_CHECK) == 0) return end;
  ErrorQueueScope quiet;
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  const int checked = (flags & X509_V_FLAG_CRL_CHECK_ALL) != 0 ? sk_X509_num(chain) : 1;
  for (int i = 0; i < checked; ++i) {
    const X509_NAME* issuer = X509_get_issuer_name(sk_X509_value(chain, i));
    const X509CrlStackPtr lists(X509_STORE_CTX_get1_crls(context, issuer));
    for (int j = 0; lists && j < sk_X509_CRL_num(lists.get()); ++j) {
      std::int64_t next = 0;
      const ASN1_TIME* next_update = X509_CRL_get0_nextUpdate(sk_X509_CRL_value(lists.get(), j));
      if (seconds_of(next_update, next) && next > at) end = std::min(end, next);
    }
  }
  return end;
}

int is_issued_by(X509_STORE_CTX*, X509* certificate, X509* issuer) {
  switch (X509_check_issued(issuer, certificate)) {
    case X509_V_OK:
    case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
    // The key usage is looked at later on, and has an error of its own.
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE:
      return 1;
    default:
      return 0;
  }
}

Result<std::shared_ptr<TrustStore>> TrustStore::create(TrustSources sources) {
  std::shared_ptr<TrustStore> trust(new TrustStore(std::move(sources)));
  if (auto error = trust->read_sources()) return *error;
  auto store = trust->build(Lists::kNone);
  if (!store.ok()) return store.error();
  trust->shared_ = std::move(store.value());
  X509_STORE_set_check_issued(trust->shared_.get(), is_issued_by);
  trust->memory_ = kTrustedSize * sk_X509_OBJECT_num(X509_STORE_get0_objects(trust->shared_.get()));
  // Beside its DER each has an index, or what OpenSSL decodes.
  for (const auto& list : trust->lists_) trust->memory_ += 2 * static_cast<std::int64_t>(list->der().size());
  return trust;
}

std::optional<Error> TrustStore::read_sources() {
  for (ByteVector& bytes : sources_.crls) {
    auto parsed = RevocationList::parse_all(std::move(bytes));
    if (!parsed.ok()) return parsed.error();
    for (auto& list : parsed.value()) lists_.push_back(std::move(list));
  }
  sources_.crls = {};
  return sources_.ca_file.empty() ? std::nullopt : read_file();
}

// As OpenSSL reads a file of trust (X509_load_cert_crl_file), and with its words where it cannot; but once, and with
// the lists in the form that is kept here.
std::optional<Error> TrustStore::read_file() {
  ErrorQueueScope errors;
  const auto refuse = [&] {
    return errors.take(ErrorCode::kInvalidValue, "no certificates can be read from " + sources_.ca_file);
  };
  const BioPtr file(BIO_new_file(sources_.ca_file.c_str(), "r"));
  if (!file) {
    ERR_raise(ERR_LIB_X509, ERR_R_SYS_LIB);
    return refuse();
  }
  ByteVector text;
  std::array<std::uint8_t, 65536> piece;
  std::size_t length = 0;
  {
    // A file that cannot be read, as a folder, counts as an empty one.
    const ErrorQueueScope aside;
    while (BIO_read_ex(file.get(), piece.data(), piece.size(), &length) == 1) {
      text.insert(text.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(length));
    }
  }
  const auto blocks = read_pem(text);
  if (!blocks.ok()) return refuse();
  for (const auto& [name, der] : blocks.value()) {
    if (name == PEM_STRING_X509_CRL) {
      auto list = RevocationList::parse(der);
      if (!list.ok()) return list.error();
      lists_.push_back(std::move(list.value()));
      continue;
    }
    const bool is_trusted = name == PEM_STRING_X509_TRUSTED;
    if (!is_trusted && name != PEM_STRING_X509 && name != PEM_STRING_X509_OLD) continue;
    const unsigned char* in = der.data();
    const auto size = static_cast<long>(der.size());
    X509Ptr certificate(is_trusted ? d2i_X509_AUX(nullptr, &in, size) : d2i_X509(nullptr, &in, size));
    if (!certificate) return refuse();
    file_certificates_.push_back(std::move(certificate));
  }
  if (file_certificates_.empty() && lists_.empty()) {
    ERR_raise(ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND);
    return refuse();
  }
  return std::nullopt;
}

Result<X509StorePtr> TrustStore::build(Lists lists) {
  ErrorQueueScope errors;
  X509StorePtr store(X509_STORE_new());
  if (!store) return errors.take(ErrorCode::kOpenssl, "the trust store cannot be made");
  const auto add = [&](X509* certificate) {
    read_extensions(certificate);
    return X509_STORE_add_cert(store.get(), certificate) == 1;
  };
  if (!std::ranges::all_of(sources_.certificates, add, [](const auto& certificate) { return certificate->get(); }) ||
      !std::ranges::all_of(file_certificates_, add, &X509Ptr::get)) {
    return errors.take(ErrorCode::kOpenssl, "a certificate cannot be added to the trust store");
  }
  if (lists != Lists::kNone) {
    std::call_once(decoded_, [this] {
      for (const auto& list : lists_) {
        const unsigned char* in = list->der().data();
        decoded_lists_.emplace_back(d2i_X509_CRL(nullptr, &in, static_cast<long>(list->der().size())));
      }
    });
  }
  for (std::size_t i = 0; lists != Lists::kNone && i < lists_.size(); ++i) {
    if (lists == Lists::kSound && lists_[i]->misuses_remove()) continue;
    if (!decoded_lists_[i] || X509_STORE_add_crl(store.get(), decoded_lists_[i].get()) != 1) {
      return errors.take(ErrorCode::kOpenssl, "a revocation list cannot be added to the trust store");
    }
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

Result<X509_STORE*> TrustStore::shared(bool with_lists) {
  if (!with_lists) return shared_.get();
  const std::lock_guard lock(mutex_);
  if (!shared_with_lists_) {
    auto built = build(Lists::kSound);
    if (!built.ok()) return built.error();
    shared_with_lists_ = std::move(built.value());
    X509_STORE_set_check_issued(shared_with_lists_.get(), is_issued_by);
    X509_STORE_set_lookup_crls(shared_with_lists_.get(), sound_lists);
    if (X509_STORE_set_ex_data(shared_with_lists_.get(), owner_index(), this) != 1) {
      shared_with_lists_.reset();
      return Error{ErrorCode::kOpenssl, "out of memory"};
    }
  }
  return shared_with_lists_.get();
}

std::vector<std::shared_ptr<RevocationList>> TrustStore::lists_of(const X509_STORE_CTX* context,
                                                                  const SignerCertificate& issuer) {
  ErrorQueueScope errors;
  std::vector<std::shared_ptr<RevocationList>> found;
  const auto add = [&](const std::shared_ptr<RevocationList>& list) {
    if (!list || list->is_named(issuer)) found.push_back(list);
  };
  for (const auto& list : lists_) add(list);
  if (sources_.ca_path.empty() && sources_.ca_store.empty() && sources_.system_default == 0) return found;
  const X509CrlStackPtr crls(X509_STORE_CTX_get1_crls(context, X509_get_subject_name(issuer.get())));
  const std::lock_guard lock(mutex_);
  for (int i = 0; crls && i < sk_X509_CRL_num(crls.get()); ++i) add(looked_up(sk_X509_CRL_value(crls.get(), i)));
  return found;
}

// nullptr where it cannot be read.
std::shared_ptr<RevocationList> TrustStore::looked_up(X509_CRL* crl) {
  auto& [owned, list] = looked_up_[crl];
  if (owned) return list;
  if (X509_CRL_up_ref(crl) != 1) return nullptr;
  owned.reset(crl);
  unsigned char* der = nullptr;
  const int length = i2d_X509_CRL(crl, &der);
  auto parsed = RevocationList::parse(length > 0 ? ByteVector(der, der + length) : ByteVector());
  OPENSSL_free(der);
  if (parsed.ok()) list = std::move(parsed.value());
  return list;
}

bool TrustStore::is_sound(X509_CRL* crl) {
  const auto is_same = [&](const X509CrlPtr& own) { return own.get() == crl; };
  if (std::ranges::any_of(decoded_lists_, is_same)) return true;
  ErrorQueueScope quiet;
  const std::lock_guard lock(mutex_);
  const auto list = looked_up(crl);
  return list && !list->misuses_remove();
}

STACK_OF(X509_CRL) * TrustStore::sound_lists(const X509_STORE_CTX* context, const X509_NAME* name) {
  X509CrlStackPtr lists(X509_STORE_CTX_get1_crls(context, name));
  const X509_STORE* store = X509_STORE_CTX_get0_store(context);
  auto* const trust = static_cast<TrustStore*>(X509_STORE_get_ex_data(store, owner_index()));
  for (int i = lists ? sk_X509_CRL_num(lists.get()) : 0; i-- > 0;) {
    if (!trust->is_sound(sk_X509_CRL_value(lists.get(), i))) X509_CRL_free(sk_X509_CRL_delete(lists.get(), i));
  }
  return lists.release();
}

Result<std::unique_ptr<TrustStore::Lease>> TrustStore::lease(const PathParameters& parameters) {
  auto param = make_parameters(parameters);
  if (!param.ok()) return param.error();
  const bool with_lists = (X509_VERIFY_PARAM_get_flags(param.value().get()) & kCrlFlags) != 0;
  X509StorePtr store;
  {
    const std::lock_guard lock(mutex_);
    auto& idle = idle_[with_lists];
    if (!idle.empty()) {
      store = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!store) {
    auto built = build(with_lists ? Lists::kAll : Lists::kNone);
    if (!built.ok()) return built.error();
    store = std::move(built.value());
  }
  // Replaces every parameter of the store, those that are at their default too.
  ErrorQueueScope errors;
  if (X509_VERIFY_PARAM_set_inh_flags(param.value().get(), X509_VP_FLAG_OVERWRITE | X509_VP_FLAG_RESET_FLAGS) != 1 ||
      X509_STORE_set1_param(store.get(), param.value().get()) != 1) {
    return errors.take(ErrorCode::kOpenssl, "the verification parameters cannot be set");
  }
  return std::make_unique<Lease>(*this, std::move(store), with_lists);
}

void TrustStore::give_back(X509StorePtr store, bool with_lists) {
  const std::lock_guard lock(mutex_);
  if (idle_[with_lists].size() < kMaxIdleStores) idle_[with_lists].push_back(std::move(store));
}

}  // namespace ocsp
