#include "stored_key.h"

#include <openssl/store.h>
#include <openssl/ui.h>

#include <algorithm>

#include "error_queue.h"

namespace ocsp {

namespace {

struct StoreDeleter {
  void operator()(OSSL_STORE_CTX* store) const { OSSL_STORE_close(store); }
};
using StorePtr = std::unique_ptr<OSSL_STORE_CTX, StoreDeleter>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, OpensslDeleter<OSSL_STORE_INFO_free>>;
using UiMethodPtr = std::unique_ptr<UI_METHOD, OpensslDeleter<UI_destroy_method>>;

struct Prompt {
  const std::optional<Bytes>& passphrase;
  bool asked = false;
};

int answer(char* buffer, int size, int /*for_writing*/, void* data) {
  auto& prompt = *static_cast<Prompt*>(data);
  prompt.asked = true;
  if (!prompt.passphrase || prompt.passphrase->size() > static_cast<std::size_t>(size)) return -1;
  std::ranges::copy(*prompt.passphrase, buffer);
  return static_cast<int>(prompt.passphrase->size());
}

// A URI in words that may be shown: without its PIN, which RFC 7512 section 2.4 puts behind a question mark.
struct Shown {
  explicit Shown(const std::string& uri) {
    const std::size_t end = std::min(uri.find('?'), uri.find("pin-value"));
    if (end < uri.size()) secret = uri.substr(end);
    name.append(uri, 0, end).append("'");
  }

  void clean(std::string& line) const {
    if (secret.empty()) return;
    for (std::size_t at = line.find(secret); at != std::string::npos; at = line.find(secret)) {
      line.erase(at, secret.size());
    }
  }

  std::string name = "'";
  std::string secret;
};

}  // namespace

Result<std::shared_ptr<PrivateKey>> load_stored_key(const std::string& uri, const std::optional<Bytes>& passphrase) {
  ErrorQueueScope errors;
  const Shown shown(uri);
  Prompt prompt{passphrase};
  const auto refusal = [&](ErrorCode code, const std::string& what) {
    if (prompt.asked && !passphrase) {
      return Error{ErrorCode::kMissingPassphrase, shown.name + " needs a passphrase"};
    }
    Error error = errors.take(code, {});
    shown.clean(error.entry);
    for (std::string& line : error.stack) shown.clean(line);
    error.message = what;
    // Loaders are tried in turn: the last one had the most to say.
    const std::string& newest = error.stack.empty() ? error.entry : error.stack.front();
    if (!newest.empty()) error.message.append(": ").append(newest);
    return error;
  };
  const UiMethodPtr method(UI_UTIL_wrap_read_pem_callback(answer, 0));
  const StorePtr store(
      method ? OSSL_STORE_open_ex(uri.c_str(), nullptr, nullptr, method.get(), &prompt, nullptr, nullptr, nullptr)
             : nullptr);
  if (!store) return refusal(ErrorCode::kInvalidValue, "OpenSSL cannot open " + shown.name);
  if (OSSL_STORE_expect(store.get(), OSSL_STORE_INFO_PKEY) != 1) {
    return refusal(ErrorCode::kOpenssl, "OpenSSL cannot look for keys in " + shown.name);
  }
  while (OSSL_STORE_eof(store.get()) != 1) {
    const StoreInfoPtr info(OSSL_STORE_load(store.get()));
    if (info && OSSL_STORE_INFO_get_type(info.get()) == OSSL_STORE_INFO_PKEY) {
      return PrivateKey::adopt(EvpPkeyPtr(OSSL_STORE_INFO_get1_PKEY(info.get())));
    }
    if (!info && prompt.asked && OSSL_STORE_error(store.get()) == 1) {
      return refusal(ErrorCode::kMalformed, "the passphrase of " + shown.name + " is wrong, or the file is damaged");
    }
    if (!info && OSSL_STORE_error(store.get()) == 1) break;
  }
  return refusal(ErrorCode::kMalformed, shown.name + " holds no private key that OpenSSL can use");
}

}  // namespace ocsp
