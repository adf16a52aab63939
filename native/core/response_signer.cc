#include "response_signer.h"

#include "digest.h"

namespace ocsp {

ResponseSigner::ResponseSigner(std::shared_ptr<const SignerProfile> profile, std::unique_ptr<DataSigner> signer)
    : profile_(std::move(profile)), signer_(std::move(signer)), data_(512), response_(2048) {}

Result<std::unique_ptr<ResponseSigner>> ResponseSigner::create(std::shared_ptr<const SignerProfile> profile) {
  if (!profile->key->belongs_to(profile->responder)) return key_mismatch();
  auto data_signer = DataSigner::create(profile->key->get(), profile->scheme);
  if (!data_signer.ok()) return data_signer.error();
  std::unique_ptr<ResponseSigner> signer(new ResponseSigner(std::move(profile), std::move(data_signer.value())));
  const SignerProfile& settled = *signer->profile_;

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

Result<Bytes> ResponseSigner::sign(const StatusEntry& entry, std::int64_t produced_at, Bytes extensions) {
  if (!extensions.empty() || !patch_data(entry, produced_at)) write_data(entry, produced_at, extensions);
  const auto signature = signer_->sign(data_.bytes());
  if (!signature.ok()) return signature.error();
  response_.clear();
  write_response(response_, data_.bytes(), signer_->algorithm(), signature.value(), certificates_);
  return response_.bytes();
}

void ResponseSigner::write_data(const StatusEntry& entry, std::int64_t produced_at, Bytes extensions) {
  fields_.produced_at = produced_at;
  fields_.extensions = extensions;
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
  if (entry.cert_status == 1 || !entry.extensions.empty() || !extensions.empty()) serial_end_ = 0;
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
  return verify_signature(profile_->responder->public_key(), profile_->scheme, data_.bytes(), signer_->last());
}

}  // namespace ocsp
