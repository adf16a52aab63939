#include "pkcs12.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/proverr.h>

#include <algorithm>
#include <climits>
#include <string>

#include "error_queue.h"
#include "openssl_ptr.h"

namespace ocsp {

namespace {

struct SafeStackDeleter {
  void operator()(STACK_OF(PKCS7) * stack) const { sk_PKCS7_pop_free(stack, PKCS7_free); }
};
struct BagStackDeleter {
  void operator()(STACK_OF(PKCS12_SAFEBAG) * stack) const { sk_PKCS12_SAFEBAG_pop_free(stack, PKCS12_SAFEBAG_free); }
};
using Pkcs12Ptr = std::unique_ptr<PKCS12, OpensslDeleter<PKCS12_free>>;
using SafeStackPtr = std::unique_ptr<STACK_OF(PKCS7), SafeStackDeleter>;
using BagStackPtr = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), BagStackDeleter>;
using PbeParamPtr = std::unique_ptr<PBEPARAM, OpensslDeleter<PBEPARAM_free>>;
using Pbe2ParamPtr = std::unique_ptr<PBE2PARAM, OpensslDeleter<PBE2PARAM_free>>;
using Pbkdf2ParamPtr = std::unique_ptr<PBKDF2PARAM, OpensslDeleter<PBKDF2PARAM_free>>;
struct AnySequenceDeleter {
  void operator()(ASN1_SEQUENCE_ANY* sequence) const { sk_ASN1_TYPE_pop_free(sequence, ASN1_TYPE_free); }
};
using AnySequencePtr = std::unique_ptr<ASN1_SEQUENCE_ANY, AnySequenceDeleter>;

// Some seconds of hashing; files in use ask for 1 to a million.
constexpr std::int64_t kMaxRounds = 5'000'000;

// Each costs its rounds.
constexpr std::size_t kMaxFoundKeys = 32;
constexpr int kMaxEncryptedSafes = 32;

bool too_many(const ASN1_INTEGER* rounds) {
  std::int64_t value = 1;
  return rounds != nullptr && (ASN1_INTEGER_get_int64(&value, rounds) != 1 || value > kMaxRounds);
}

// scrypt's salt, N, r and p (RFC 7914 section 7.1). OpenSSL bounds its memory, but not its time, which is N * r * p.
bool too_many_of_scrypt(const ASN1_TYPE* parameter) {
  if (parameter == nullptr || parameter->type != V_ASN1_SEQUENCE) return false;
  const unsigned char* in = ASN1_STRING_get0_data(parameter->value.sequence);
  const AnySequencePtr parts(d2i_ASN1_SEQUENCE_ANY(nullptr, &in, ASN1_STRING_length(parameter->value.sequence)));
  std::int64_t product = 1;
  for (int i = 1; i <= 3 && i < sk_ASN1_TYPE_num(parts.get()); ++i) {
    const ASN1_TYPE* part = sk_ASN1_TYPE_value(parts.get(), i);
    std::int64_t value = 0;
    // Those that are no numbers, or none to use, OpenSSL refuses.
    if (part->type != V_ASN1_INTEGER || ASN1_INTEGER_get_int64(&value, part->value.integer) != 1 || value < 1) break;
    if (value > kMaxRounds / product) return true;
    product *= value;
  }
  return false;
}

// PBES1 and PKCS#12's own have PBEPARAM; PBES2 and PBMAC1 a key derivation in front: PBKDF2 or scrypt.
bool too_many(const X509_ALGOR* algorithm) {
  if (algorithm == nullptr) return false;
  const auto* parameter = algorithm->parameter;
  const Pbe2ParamPtr pbe2(static_cast<PBE2PARAM*>(ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter)));
  if (pbe2) {
    const X509_ALGOR& keys = *pbe2->keyfunc;
    if (OBJ_obj2nid(keys.algorithm) == NID_id_scrypt) return too_many_of_scrypt(keys.parameter);
    const Pbkdf2ParamPtr derivation(
        static_cast<PBKDF2PARAM*>(ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), keys.parameter)));
    return derivation && too_many(derivation->iter);
  }
  const PbeParamPtr pbe(static_cast<PBEPARAM*>(ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter)));
  return pbe && too_many(pbe->iter);
}

bool too_many(const STACK_OF(PKCS12_SAFEBAG) * bags) {
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
    const PKCS12_SAFEBAG* bag = sk_PKCS12_SAFEBAG_value(bags, i);
    const int type = PKCS12_SAFEBAG_get_nid(bag);
    if (type == NID_safeContentsBag && too_many(PKCS12_SAFEBAG_get0_safes(bag))) return true;
    if (type != NID_pkcs8ShroudedKeyBag) continue;
    const X509_ALGOR* algorithm = nullptr;
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
    if (too_many(algorithm)) return true;
  }
  return false;
}

// None has two forms. The passphrase as PKCS12_parse takes it.
const char* form_of(PKCS12* file, const char* passphrase) {
  if (passphrase != nullptr && *passphrase != '\0') return passphrase;
  return PKCS12_mac_present(file) != 1 || PKCS12_verify_mac(file, nullptr, 0) == 1 ? nullptr : "";
}

// The bags of a safe; nullptr where it cannot be read.
BagStackPtr open_safe(PKCS7* safe, const char* passphrase) {
  return BagStackPtr(PKCS7_type_is_data(safe) ? PKCS12_unpack_p7data(safe)
                                              : PKCS12_unpack_p7encdata(safe, passphrase, -1));
}

// Whether OpenSSL is asked for more rounds than anybody waits for, in whatever it may come to.
bool too_many(PKCS12* file, const char* passphrase) {
  const X509_ALGOR* algorithm = nullptr;
  const ASN1_INTEGER* rounds = nullptr;
  PKCS12_get0_mac(nullptr, &algorithm, nullptr, &rounds, file);
  if (too_many(rounds) || too_many(algorithm)) return true;
  passphrase = form_of(file, passphrase);
  const SafeStackPtr safes(PKCS12_unpack_authsafes(file));
  int encrypted = 0;
  for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i) {
    PKCS7* safe = sk_PKCS7_value(safes.get(), i);
    if (safe->d.ptr == nullptr) continue;
    if (PKCS7_type_is_encrypted(safe)) {
      if (++encrypted > kMaxEncryptedSafes || too_many(safe->d.encrypted->enc_data->algorithm)) return true;
    } else if (!PKCS7_type_is_data(safe)) {
      continue;
    }
    if (too_many(open_safe(safe, passphrase).get())) return true;
  }
  return false;
}

ByteVector to_der(X509* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  if (length <= 0) return {};
  ByteVector bytes(der, der + length);
  OPENSSL_free(der);
  return bytes;
}

ByteVector to_der(const EVP_PKEY* key) {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(key));
  unsigned char* der = nullptr;
  const int length = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der) : 0;
  if (length <= 0) return {};
  ByteVector bytes(der, der + length);
  OPENSSL_clear_free(der, static_cast<std::size_t>(length));
  return bytes;
}

bool has_reason(const Error& error, int library, int reason) {
  const char* text = ERR_reason_error_string(ERR_PACK(library, 0, reason));
  return text != nullptr && error.reason == text;
}

Error refusal(ErrorQueueScope& errors, bool has_passphrase) {
  Error error = errors.take(ErrorCode::kMalformed, "the PKCS#12 file cannot be read");
  if (has_reason(error, ERR_LIB_PKCS12, PKCS12_R_MAC_VERIFY_FAILURE) ||
      has_reason(error, ERR_LIB_PROV, PROV_R_BAD_DECRYPT)) {
    error.code = has_passphrase ? ErrorCode::kMalformed : ErrorCode::kMissingPassphrase;
    error.message = has_passphrase ? "the passphrase is wrong, or the PKCS#12 file is damaged"
                                   : "the PKCS#12 file is encrypted: a passphrase is wanted";
  } else if (has_reason(error, ERR_LIB_EVP, ERR_R_UNSUPPORTED)) {
    error.code = ErrorCode::kUnsupportedAlgorithm;
    error.message =
        "the PKCS#12 file is encrypted with an algorithm that the OpenSSL in use does not offer, such as the RC2-40 of "
        "old files; node --openssl-legacy-provider may offer it, or openssl pkcs12 -legacy can read it, to be exported "
        "again: " +
        error.entry;
  }
  return error;
}

// A private key of the file; none when it cannot be read.
struct FoundKey {
  EvpPkeyPtr key;
  std::string name;
};

EvpPkeyPtr read_key(const PKCS12_SAFEBAG* bag, const char* passphrase) {
  if (PKCS12_SAFEBAG_get_nid(bag) == NID_keyBag) return EvpPkeyPtr(EVP_PKCS82PKEY(PKCS12_SAFEBAG_get0_p8inf(bag)));
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
  if (too_many(algorithm)) return nullptr;
  const Pkcs8Ptr info(PKCS12_decrypt_skey(bag, passphrase, -1));
  return EvpPkeyPtr(info ? EVP_PKCS82PKEY(info.get()) : nullptr);
}

void find_keys(const STACK_OF(PKCS12_SAFEBAG) * bags, const char* passphrase, std::vector<FoundKey>& found) {
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && found.size() < kMaxFoundKeys; ++i) {
    PKCS12_SAFEBAG* bag = sk_PKCS12_SAFEBAG_value(bags, i);
    const int type = PKCS12_SAFEBAG_get_nid(bag);
    if (type == NID_safeContentsBag) find_keys(PKCS12_SAFEBAG_get0_safes(bag), passphrase, found);
    if (type != NID_keyBag && type != NID_pkcs8ShroudedKeyBag) continue;
    EvpPkeyPtr key = read_key(bag, passphrase);
    const auto is_same = [&](const FoundKey& other) {
      return key && other.key && EVP_PKEY_eq(key.get(), other.key.get()) == 1;
    };
    if (std::ranges::any_of(found, is_same)) continue;
    char* name = PKCS12_get_friendlyname(bag);
    found.push_back({std::move(key), name == nullptr ? "" : name});
    OPENSSL_free(name);
  }
}

// All keys, where PKCS12_parse has the first; it found the passphrase to be right.
std::vector<FoundKey> find_keys(PKCS12* file, const char* passphrase) {
  passphrase = form_of(file, passphrase);
  std::vector<FoundKey> found;
  const SafeStackPtr safes(PKCS12_unpack_authsafes(file));
  for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i) {
    PKCS7* safe = sk_PKCS7_value(safes.get(), i);
    if (!PKCS7_type_is_data(safe) && !PKCS7_type_is_encrypted(safe)) continue;
    const BagStackPtr bags = open_safe(safe, passphrase);
    // What cannot be read may hold a key: it counts as one, or another would be taken for the only one.
    if (!bags) found.emplace_back();
    find_keys(bags.get(), passphrase, found);
  }
  return found;
}

bool belongs(X509* certificate, const EvpPkeyPtr& key) {
  return key && X509_check_private_key(certificate, key.get()) == 1;
}

std::string describe_key(const FoundKey& found, const std::vector<X509*>& certificates) {
  std::string text = found.name;
  for (X509* certificate : certificates) {
    if (!belongs(certificate, found.key)) continue;
    const BioPtr out(BIO_new(BIO_s_mem()));
    if (!out || X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) break;
    char* subject = nullptr;
    const long length = BIO_get_mem_data(out.get(), &subject);
    const std::string name(subject, static_cast<std::size_t>(length));
    if (text.empty()) {
      text = name;
    } else {
      text.append(" (").append(name).append(")");
    }
    break;
  }
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return text.empty() ? "one without a name" : text;
}

// The key of the certificate that is asked for, else the only one.
Result<EvpPkeyPtr> choose(std::vector<FoundKey> keys, X509* wanted, const std::vector<X509*>& certificates) {
  if (wanted != nullptr) {
    for (FoundKey& found : keys) {
      if (belongs(wanted, found.key)) return std::move(found.key);
    }
    return Error{ErrorCode::kKeyMismatch, "no private key in the PKCS#12 file belongs to the certificate"};
  }
  if (keys.size() == 1 && keys.front().key) return std::move(keys.front().key);
  if (keys.size() == 1) {
    return Error{ErrorCode::kInvalidValue, "the private key in the PKCS#12 file cannot be read"};
  }
  std::string names;
  for (const FoundKey& found : keys) names += (names.empty() ? "" : ", ") + describe_key(found, certificates);
  return Error{ErrorCode::kInvalidValue,
               "the PKCS#12 file holds several private keys; a certificate must choose one: " + names};
}

}  // namespace

Result<Pkcs12> parse_pkcs12(Bytes data, const std::optional<Bytes>& passphrase,
                            const std::optional<Bytes>& certificate_of_key) {
  ErrorQueueScope errors;
  const unsigned char* in = data.data();
  const Pkcs12Ptr file(data.size() <= INT_MAX ? d2i_PKCS12(nullptr, &in, static_cast<long>(data.size())) : nullptr);
  if (!file || in != data.data() + data.size()) return errors.take(ErrorCode::kMalformed, "not a PKCS#12 file");
  std::string text;
  if (passphrase) text.assign(passphrase->begin(), passphrase->end());
  const char* const secret = passphrase ? text.c_str() : nullptr;
  {
    ErrorQueueScope aside;
    if (too_many(file.get(), secret)) {
      OPENSSL_cleanse(text.data(), text.size());
      return Error{ErrorCode::kInvalidValue, "the PKCS#12 file asks for too many rounds of key derivation"};
    }
  }
  EVP_PKEY* raw_key = nullptr;
  X509* raw_certificate = nullptr;
  STACK_OF(X509)* raw_others = nullptr;
  const bool parsed = PKCS12_parse(file.get(), secret, &raw_key, &raw_certificate, &raw_others) == 1;
  std::vector<FoundKey> keys;
  if (parsed && raw_key != nullptr) {
    ErrorQueueScope aside;
    keys = find_keys(file.get(), secret);
  }
  OPENSSL_cleanse(text.data(), text.size());
  const EvpPkeyPtr first(raw_key);
  const X509Ptr first_certificate(raw_certificate);
  const X509StackPtr others(raw_others);
  if (!parsed) return refusal(errors, passphrase.has_value());
  if (keys.empty()) return Error{ErrorCode::kInvalidValue, "the PKCS#12 file holds no private key"};

  std::vector<X509*> certificates;
  if (first_certificate) certificates.push_back(first_certificate.get());
  for (int i = 0; i < sk_X509_num(others.get()); ++i) certificates.push_back(sk_X509_value(others.get(), i));
  X509Ptr wanted;
  if (certificate_of_key) {
    const unsigned char* der = certificate_of_key->data();
    wanted.reset(d2i_X509(nullptr, &der, static_cast<long>(certificate_of_key->size())));
    if (!wanted) return errors.take(ErrorCode::kMalformed, "the certificate cannot be read");
  }
  auto chosen = choose(std::move(keys), wanted.get(), certificates);
  if (!chosen.ok()) return chosen.error();
  const EvpPkeyPtr key = std::move(chosen.value());

  Pkcs12 contents;
  // The same key may have several certificates: the one that was asked for counts, if it is there.
  auto own = std::ranges::find_if(certificates, [&](X509* one) { return wanted && X509_cmp(one, wanted.get()) == 0; });
  if (own == certificates.end()) own = std::ranges::find_if(certificates, [&](X509* one) { return belongs(one, key); });
  X509* certificate = own == certificates.end() ? nullptr : *own;
  if (certificate != nullptr) contents.certificate = to_der(certificate);
  for (X509* other : certificates) {
    if (other != certificate) contents.others.push_back(to_der(other));
  }
  contents.private_key = to_der(key.get());
  const bool whole = !contents.private_key.empty() && (certificate == nullptr || !contents.certificate.empty()) &&
                     std::ranges::none_of(contents.others, [](const ByteVector& der) { return der.empty(); });
  if (whole) return contents;
  OPENSSL_cleanse(contents.private_key.data(), contents.private_key.size());
  return errors.take(ErrorCode::kOpenssl, "what the PKCS#12 file holds cannot be encoded");
}

}  // namespace ocsp
