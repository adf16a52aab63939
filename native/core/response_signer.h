// Signs many responses with one key for one issuer. What does not change between responses is worked out once; what
// does is written and signed in buffers that are kept, so that a response costs little beyond its signature.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "data_signer.h"
#include "message_writer.h"
#include "private_key.h"

namespace ocsp {

// What all responses of a signer have in common.
struct SignerProfile {
  std::shared_ptr<PrivateKey> key;
  std::shared_ptr<const Certificate> responder;
  SignatureScheme scheme;
  int responder_id_tag = 2;  // 1 byName, 2 byKey
  int cert_id_hash = 0;
  ByteVector issuer_name_hash;
  ByteVector issuer_key_hash;
  std::vector<std::shared_ptr<const Certificate>> certificates;
};

// What differs. Times are seconds since 1970-01-01, years 1 to 9999.
struct StatusEntry {
  Bytes serial;  // content bytes of the INTEGER, minimal
  int cert_status = 0;
  int revocation_reason = -1;
  std::int64_t revocation_time = 0;
  std::int64_t this_update = 0;
  std::optional<std::int64_t> next_update;
  Bytes extensions;  // the SEQUENCE OF Extension element; empty when absent
};

// One per thread.
class ResponseSigner {
 public:
  // Fails with kKeyMismatch when the key does not belong to the responder certificate.
  static Result<std::unique_ptr<ResponseSigner>> create(std::shared_ptr<const SignerProfile> profile);

  // The signed OCSPResponse; valid until the next call. `extensions` is the responseExtensions element; empty when
  // absent.
  Result<Bytes> sign(const StatusEntry& entry, std::int64_t produced_at, Bytes extensions = {});
  // Whether the response that sign() made last carries a signature that verifies.
  Result<bool> verify_last();

 private:
  ResponseSigner(std::shared_ptr<const SignerProfile> profile, std::unique_ptr<DataSigner> signer);

  void write_data(const StatusEntry& entry, std::int64_t produced_at, Bytes extensions);
  bool patch_data(const StatusEntry& entry, std::int64_t produced_at);

  std::shared_ptr<const SignerProfile> profile_;
  std::unique_ptr<DataSigner> signer_;
  std::vector<Bytes> certificates_;
  ByteVector responder_id_;
  ResponseDataFields fields_;
  DerWriter data_;
  // Where the serial stands in data_, counted from the end; 0 when data_ is not to be patched.
  std::size_t serial_end_ = 0;
  std::size_t serial_length_ = 0;
  DerWriter response_;
};

// Signers that no one is using at the moment, for threads that need one for an instant: making one takes as long as a
// P-256 signature. There are never more than were in use at a time.
class IdleSigners {
 public:
  explicit IdleSigners(std::shared_ptr<const SignerProfile> profile) : profile_(std::move(profile)) {}

  Result<std::unique_ptr<ResponseSigner>> take();
  void give_back(std::unique_ptr<ResponseSigner> signer);

 private:
  std::shared_ptr<const SignerProfile> profile_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<ResponseSigner>> idle_;
};

}  // namespace ocsp
