#include "request_signature.h"

#include "der_writer.h"
#include "request_parser.h"

namespace ocsp {

Result<ByteVector> sign_request(Bytes der, PrivateKey& key, const std::shared_ptr<const Certificate>& signer,
                                const SignatureScheme& scheme,
                                const std::vector<std::shared_ptr<const Certificate>>& certificates) {
  if (!key.belongs_to(signer)) {
    return Error{ErrorCode::kKeyMismatch, "the private key does not belong to the signer's certificate"};
  }
  DerContext context{der.data(), true, {}};
  RequestLayout layout;
  if (!parse_request(context, der, layout)) {
    return Error{ErrorCode::kMalformed, "the request to sign cannot be parsed"};
  }
  const Bytes tbs = der.subspan(static_cast<std::size_t>(layout.tbs.start),
                                static_cast<std::size_t>(layout.tbs.end - layout.tbs.start));
  const auto signature = key.sign(scheme, tbs);
  if (!signature.ok()) return signature.error();

  DerWriter out(tbs.size() + 1024);
  if (!certificates.empty()) {
    for (auto certificate = certificates.rbegin(); certificate != certificates.rend(); ++certificate) {
      out.raw((*certificate)->der());
    }
    out.close(tag::kSequence, 0);
    out.close(tag::explicit_context(0), 0);
  }
  const std::size_t bits = out.size();
  out.raw(signature.value().value);
  out.octet(0);  // no unused bits
  out.close(tag::kBitString, bits);
  out.raw(signature.value().algorithm);
  out.close(tag::kSequence, 0);
  out.close(tag::explicit_context(0), 0);
  out.raw(tbs);
  out.close(tag::kSequence, 0);
  return out.take();
}

}  // namespace ocsp
