// Signing a ResponseData: one implementation behind the sync, the async and the external-signer form.
#pragma once

#include <memory>
#include <vector>

#include "private_key.h"

namespace ocsp {

using CertificateList = std::vector<std::shared_ptr<const Certificate>>;

struct SigningJob {
  std::shared_ptr<PrivateKey> key;
  std::shared_ptr<const Certificate> responder;
  SignatureScheme scheme;
  ByteVector response_data;
  CertificateList certificates;

  // The signed OCSPResponse. May run on any thread.
  Result<ByteVector> run() const;
};

// A response whose signature was made elsewhere: checked against the responder certificate before it is put together.
struct AssemblyJob {
  std::shared_ptr<const Certificate> responder;
  SignatureScheme scheme;
  ByteVector response_data;
  ByteVector signature;
  CertificateList certificates;

  Result<ByteVector> run() const;
};

}  // namespace ocsp
