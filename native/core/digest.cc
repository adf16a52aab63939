#include "digest.h"

#include <map>
#include <mutex>

#include "error_queue.h"
#include "openssl_ptr.h"

namespace ocsp {

Result<const EVP_MD*> fetch_digest(const std::string& name) {
  // Fetching costs more than hashing a short input. Never destroyed: threads may hash while the process exits.
  static std::mutex mutex;
  static auto& fetched = *new std::map<std::string, EvpMdPtr>;
  const std::lock_guard lock(mutex);
  if (const auto found = fetched.find(name); found != fetched.end()) return found->second.get();
  ErrorQueueScope errors;
  EvpMdPtr md(EVP_MD_fetch(nullptr, name.c_str(), nullptr));
  if (!md) return errors.take(ErrorCode::kUnsupportedAlgorithm, "this OpenSSL does not offer the hash " + name);
  return fetched.emplace(name, std::move(md)).first->second.get();
}

Result<ByteVector> digest(const std::string& name, Bytes data) {
  const auto md = fetch_digest(name);
  if (!md.ok()) return md.error();
  ErrorQueueScope errors;
  ByteVector out(EVP_MAX_MD_SIZE);
  unsigned int length = 0;
  if (EVP_Digest(data.data(), data.size(), out.data(), &length, md.value(), nullptr) != 1) {
    return errors.take(ErrorCode::kOpenssl, "hashing failed");
  }
  out.resize(length);
  return out;
}

}  // namespace ocsp
