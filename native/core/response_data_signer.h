// Signs one ResponseData after the other with one key in one way.
#pragma once

#include <memory>
#include <vector>

#include "message_writer.h"
#include "signing_job.h"

namespace ocsp {

// One per thread.
class ResponseDataSigner {
 public:
  // An error when the responder certificate is not the key's.
  static Result<std::unique_ptr<ResponseDataSigner>> create(std::shared_ptr<PrivateKey> key,
                                                            const std::shared_ptr<const Certificate>& responder,
                                                            SignatureScheme scheme, CertificateList certificates);
  // The signed OCSPResponse, until the next call.
  Result<Bytes> sign(const ResponseDataFields& fields);

 private:
  ResponseDataSigner(std::shared_ptr<PrivateKey> key, SignatureScheme scheme, CertificateList certificates);

  std::shared_ptr<PrivateKey> key_;
  SignatureScheme scheme_;
  CertificateList certificates_;
  std::vector<Bytes> ders_;  // of the certificates
  DerWriter data_;
  DerWriter response_;
};

}  // namespace ocsp
