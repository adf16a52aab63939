// Keys of a provider that signs messages, but no digests, as some tokens do.
#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include <algorithm>
#include <string>
#include <vector>

#include "check.h"
#include "core/data_signer.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

const char* const kName = "messages-only";
const char* const kProperties = "provider=messages-only";

// OpenSSL's own provider, without what signs a digest.
class MessageProvider {
 public:
  static bool load() {
    own_ = OSSL_PROVIDER_load(nullptr, "default");
    return own_ != nullptr && OSSL_PROVIDER_add_builtin(nullptr, kName, init) == 1 &&
           (loaded_ = OSSL_PROVIDER_load(nullptr, kName)) != nullptr;
  }
  static bool unload() { return OSSL_PROVIDER_unload(loaded_) == 1 && OSSL_PROVIDER_unload(own_) == 1; }

 private:
  static int init(const OSSL_CORE_HANDLE* /*core*/, const OSSL_DISPATCH* /*in*/, const OSSL_DISPATCH** out,
                  void** context) {
    static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query)},
                                              {0, nullptr}};
    copy(OSSL_OP_KEYMGMT, keys_);
    copy(OSSL_OP_SIGNATURE, signatures_);
    for (OSSL_ALGORITHM& algorithm : signatures_) {
      if (algorithm.implementation != nullptr) algorithm.implementation = without_digests(algorithm.implementation);
    }
    *out = functions;
    *context = OSSL_PROVIDER_get0_provider_ctx(own_);
    return 1;
  }

  static const OSSL_ALGORITHM* query(void* /*context*/, int operation, int* no_cache) {
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT) return keys_.data();
    return operation == OSSL_OP_SIGNATURE ? signatures_.data() : nullptr;
  }

  static bool signs_messages(const OSSL_DISPATCH* function) {
    while (function->function_id != 0 && function->function_id != OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT) ++function;
    return function->function_id != 0;
  }

  static void copy(int operation, std::vector<OSSL_ALGORITHM>& to) {
    int no_cache = 0;
    const OSSL_ALGORITHM* from = OSSL_PROVIDER_query_operation(own_, operation, &no_cache);
    for (; from->algorithm_names != nullptr; ++from) {
      if (operation == OSSL_OP_SIGNATURE && !signs_messages(from->implementation)) continue;
      to.push_back({from->algorithm_names, kProperties, from->implementation, nullptr});
    }
    to.push_back({nullptr, nullptr, nullptr, nullptr});
  }

  static const OSSL_DISPATCH* without_digests(const OSSL_DISPATCH* from) {
    auto& functions = *functions_.emplace_back(std::make_unique<std::vector<OSSL_DISPATCH>>());
    for (; from->function_id != 0; ++from) {
      const int id = from->function_id;
      if (id != OSSL_FUNC_SIGNATURE_SIGN_INIT && id != OSSL_FUNC_SIGNATURE_SIGN) functions.push_back(*from);
    }
    functions.push_back({0, nullptr});
    return functions.data();
  }

  static inline OSSL_PROVIDER* own_ = nullptr;
  static inline OSSL_PROVIDER* loaded_ = nullptr;
  static inline std::vector<OSSL_ALGORITHM> keys_;
  static inline std::vector<OSSL_ALGORITHM> signatures_;
  static inline std::vector<std::unique_ptr<std::vector<OSSL_DISPATCH>>> functions_;
};

void test_signing(EvpPkeyPtr pkey, const SignatureScheme& scheme, const std::string& name) {
  if (!check(pkey && provider_query(pkey.get()) == std::string("?") + kProperties, "a key of the provider: " + name))
    return;
  const EvpPkeyCtxPtr digests(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), kProperties));
  check(digests && EVP_PKEY_sign_init(digests.get()) <= 0, "it signs no digests: " + name);
  ERR_clear_error();

  ERR_raise(ERR_LIB_USER, 7);
  const unsigned long found = ERR_peek_last_error();
  auto signer = DataSigner::create(pkey.get(), scheme);
  if (!check(signer.ok(), "there is a signer: " + name)) return;
  // The same one again and again: of other data each time.
  for (int i = 0; i < 5; ++i) {
    const ByteVector data = random_bytes(200);
    const auto signature = signer.value()->sign(data);
    if (!check(signature.ok(), "it signs: " + name)) return;
    const auto verified = verify_signature(pkey.get(), scheme, data, signature.value());
    check(verified.ok() && verified.value(), "signature " + std::to_string(i) + " is right: " + name);
  }
  check(ERR_get_error() == found && ERR_get_error() == 0, "the error queue is as it was found: " + name);

  const auto key = PrivateKey::adopt(std::move(pkey));
  for (int i = 0; i < 3; ++i) check(key->sign(scheme, random_bytes(50)).ok(), "builders sign: " + name);
}

}  // namespace

int main() {
  if (!check(MessageProvider::load(), "the provider is there")) return check.finish();
  const auto make_ec = [] { return EvpPkeyPtr(EVP_PKEY_Q_keygen(nullptr, kProperties, "EC", "P-256")); };
  const auto make_rsa = [] { return EvpPkeyPtr(EVP_PKEY_Q_keygen(nullptr, kProperties, "RSA", std::size_t{2048})); };
  test_signing(make_ec(), {"SHA256", false, -1}, "ECDSA");
  test_signing(make_rsa(), {"SHA256", false, -1}, "RSA");
  test_signing(make_rsa(), {"SHA384", true, -1}, "RSASSA-PSS");
  check(MessageProvider::unload(), "the provider is gone");
  return check.finish();
}
