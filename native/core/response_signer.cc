#include "response_signer.h"

#include <openssl/rsa.h>

#include "digest.h"
#include "error_queue.h"

namespace ocsp {

namespace {

// A context that signs digests. Unlike an EVP_MD_CTX it may be used again and again, on every OpenSSL 3.
Result<EvpPkeyCtxPtr> digest_signer(EVP_PKEY* key, const SignatureScheme& scheme, const EVP_MD* md) {
  ErrorQueueScope errors;
  const std::string query = provider_query(key);
  EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, query.empty() ? nullptr : query.c_str()));
  bool ready = context && EVP_PKEY_sign_init(context.get()) > 0;
  if (ready && scheme.pss) {
    const int salt = scheme.salt_length >= 0 ? scheme.salt_length : EVP_MD_get_size(md);
    ready = EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) > 0 &&
            EVP_PKEY_CTX_set_signature_md(context.get(), md) > 0 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md) > 0 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), salt) > 0;
  } else if (ready) {
    ready = EVP_PKEY_CTX_set_signature_md(context.get(), md) > 0;
  }
  if (!ready) return errors.take(ErrorCode::kOpenssl, "OpenSSL refuses this key with this hash");
  return context;
}

}  // namespace

ResponseSigner::ResponseSigner(std::shared_ptr<const SignerProfile> profile, PreparedSignature prepared)
    : profile_(std::move(profile)), prepared_(std::move(prepared)), data_(512), response_(2048) {}

Result<std::unique_ptr<ResponseSigner>> ResponseSigner::create(std::shared_ptr<const SignerProfile> profile) {
  if (!profile->key->belongs_to(profile->responder)) {
    return Error{ErrorCode::kKeyMismatch, "the private key does not belong to the responder certificate"};
  }
  EVP_PKEY* key = profile->key->get();
  auto prepared = prepare_signature(key, profile->scheme, SignatureDirection::kSign);
  if (!prepared.ok()) return prepared.error();
  std::unique_ptr<ResponseSigner> signer(new ResponseSigner(std::move(profile), std::move(prepared.value())));
  const SignerProfile& settled = *signer->profile_;

  if (settled.scheme.hash.empty()) {
    signer->copy_.reset(EVP_MD_CTX_new());
    if (!signer->copy_) return Error{ErrorCode::kOpenssl, "out of memory"};
  } else {
    const auto md = fetch_digest(settled.scheme.hash);
    if (!md.ok()) return md.error();
    signer->md_ = md.value();
    auto context = digest_signer(key, settled.scheme, md.value());
    if (!context.ok()) return context.error();
    signer->digest_signer_ = std::move(context.value());
  }
  const auto signature_size = max_signature_size(key);
  if (!signature_size.ok()) return signature_size.error();
  signer->signature_.resize(signature_size.value());

  if (settled.responder_id_tag == 1) {
    const Bytes subject = settled.responder->subject();
    signer->responder_id_.assign(subject.begin(), subject.end());
  } else {
    auto hash = digest(cert_id_hash_name(0), settled.responder->public_key_bits());  // SHA-1 by RFC 6960 4.2.1
    if (!hash.ok()) return hash.error();
    signer->responder_id_ = std::move(hash.value());
  }
  for (const auto& certificate : settled.certificates) signer->certificates_.push_back(certificate->der());

  ResponseDataFields& fields = signer->fields_;
  fields.responder_id_tag = settled.responder_id_tag;
  fields.responder_id = signer->responder_id_;
  fields.responses.resize(1);
  CertIdFields& id = fields.responses[0].cert_id;
  id.hash = settled.cert_id_hash;
  id.issuer_name_hash = settled.issuer_name_hash;
  id.issuer_key_hash = settled.issuer_key_hash;
  return signer;
}

Result<Bytes> ResponseSigner::sign(const StatusEntry& entry, std::int64_t produced_at) {
  if (!patch_data(entry, produced_at)) write_data(entry, produced_at);
  const auto signature = sign_data();
  if (!signature.ok()) return signature.error();
  response_.clear();
  write_response(response_, data_.bytes(), prepared_.algorithm, signature.value(), certificates_);
  return response_.bytes();
}

void ResponseSigner::write_data(const StatusEntry& entry, std::int64_t produced_at) {
  fields_.produced_at = produced_at;
  SingleResponseFields& single = fields_.responses[0];
  single.cert_id.serial = entry.serial;
  single.cert_status = entry.cert_status;
  single.revocation_reason = entry.revocation_reason;
  single.revocation_time = entry.revocation_time;
  single.this_update = entry.this_update;
  single.next_update = entry.next_update;
  single.extensions = entry.extensions;
  data_.clear();
  write_response_data(data_, fields_);

  // Behind the serial of an entry that is not revoked: status, thisUpdate, nextUpdate in its tag.
  constexpr std::size_t kStatus = 2;
  constexpr std::size_t kTime = 17;
  serial_length_ = entry.serial.size();
  serial_end_ = kStatus + kTime + (entry.next_update ? 2 + kTime : 0);
  if (entry.cert_status == 1 || !entry.extensions.empty()) serial_end_ = 0;
}

// Of two neighbours in a list mostly the serials alone differ. Then the ResponseData of the one becomes that of the
// other in place, which takes a tenth of the time.
bool ResponseSigner::patch_data(const StatusEntry& entry, std::int64_t produced_at) {
  const SingleResponseFields& last = fields_.responses[0];
  if (serial_end_ == 0 || produced_at != fields_.produced_at || entry.cert_status != last.cert_status ||
      entry.this_update != last.this_update || entry.next_update != last.next_update ||
      entry.serial.size() != serial_length_ || !entry.extensions.empty()) {
    return false;
  }
  data_.overwrite(serial_end_, entry.serial);
  return true;
}

Result<Bytes> ResponseSigner::sign_data() {
  ErrorQueueScope errors;
  const Bytes data = data_.bytes();
  signature_length_ = signature_.size();
  bool signed_it = false;
  if (md_ == nullptr) {
    signed_it = EVP_MD_CTX_copy_ex(copy_.get(), prepared_.context.get()) == 1 &&
                EVP_DigestSign(copy_.get(), signature_.data(), &signature_length_, data.data(), data.size()) == 1;
  } else {
    std::uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    signed_it = EVP_Digest(data.data(), data.size(), hash, &length, md_, nullptr) == 1 &&
                EVP_PKEY_sign(digest_signer_.get(), signature_.data(), &signature_length_, hash, length) == 1;
  }
  // Out of memory, OpenSSL 3.0 may report success and 2^32 - 1 bytes (an ECDSA signature that was not encoded).
  if (!signed_it || signature_length_ > signature_.size()) {
    signature_length_ = 0;
    return errors.take(ErrorCode::kOpenssl, "signing failed");
  }
  return Bytes{signature_.data(), signature_length_};
}

Result<std::unique_ptr<ResponseSigner>> IdleSigners::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto signer = std::move(idle_.back());
      idle_.pop_back();
      return signer;
    }
  }
  return ResponseSigner::create(profile_);
}

void IdleSigners::give_back(std::unique_ptr<ResponseSigner> signer) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(signer));
}

Result<bool> ResponseSigner::verify_last() {
  return verify_signature(profile_->responder->public_key(), profile_->scheme, data_.bytes(),
                          {signature_.data(), signature_length_});
}

}  // namespace ocsp
