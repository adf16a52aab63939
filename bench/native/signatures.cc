// The limits: signatures and verifications alone.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "support.h"

namespace baseline {

namespace {

// The size of a usual ResponseData; of the largest that is measured.
constexpr std::size_t kUsualSize = 160;
constexpr std::array<unsigned char, 4096> kData = {0x30};

// EVP_DigestSign on a copy of a prepared context: the fastest form that all key types have.
bool sign_rounds(EVP_PKEY* key, const EVP_MD* md, std::uint32_t iterations, std::size_t size) {
  std::vector<unsigned char> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  const MdCtxPtr prepared(EVP_MD_CTX_new());
  const MdCtxPtr copy(EVP_MD_CTX_new());
  if (EVP_DigestSignInit(prepared.get(), nullptr, md, nullptr, key) != 1) return false;
  for (std::uint32_t i = 0; i < iterations; ++i) {
    std::size_t length = signature.size();
    if (EVP_MD_CTX_copy_ex(copy.get(), prepared.get()) != 1 ||
        EVP_DigestSign(copy.get(), signature.data(), &length, kData.data(), size) != 1) {
      return false;
    }
  }
  return true;
}

// (key, hash, iterations, threads, size?)
Napi::Value digest_sign(const Napi::CallbackInfo& info) {
  EVP_PKEY* key = key_of(info[0]);
  const MdPtr md = md_of(info[1]);
  const std::uint32_t iterations = count_of(info[2]);
  const std::uint32_t count = count_of(info[3]);
  const std::size_t size = info[4].IsNumber() ? std::min<std::size_t>(count_of(info[4]), kData.size()) : kUsualSize;
  std::atomic<bool> ok = true;
  if (count == 1) {
    ok = sign_rounds(key, md.get(), iterations, size);
  } else {
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t share = iterations / count + (i < iterations % count ? 1 : 0);
      threads.emplace_back([&, share] {
        if (!sign_rounds(key, md.get(), share, size)) ok = false;
      });
    }
    for (auto& thread : threads) thread.join();
  }
  return done(info.Env(), ok, "EVP_DigestSign");
}

// (key, hash, iterations): EVP_Digest, and EVP_PKEY_sign on one context for all. Not for keys that hash by
// themselves.
Napi::Value pkey_sign(const Napi::CallbackInfo& info) {
  EVP_PKEY* key = key_of(info[0]);
  const MdPtr md = md_of(info[1]);
  const std::uint32_t iterations = count_of(info[2]);
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  bool ok = context && md && EVP_PKEY_sign_init(context.get()) == 1 &&
            EVP_PKEY_CTX_set_signature_md(context.get(), md.get()) == 1;
  std::vector<unsigned char> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  for (std::uint32_t i = 0; ok && i < iterations; ++i) {
    unsigned int digest_length = 0;
    std::size_t length = signature.size();
    ok = EVP_Digest(kData.data(), kUsualSize, digest.data(), &digest_length, md.get(), nullptr) == 1 &&
         EVP_PKEY_sign(context.get(), signature.data(), &length, digest.data(), digest_length) == 1;
  }
  return done(info.Env(), ok, "EVP_PKEY_sign");
}

// (key, hash, iterations): EVP_DigestVerify on a copy of a prepared context.
Napi::Value digest_verify(const Napi::CallbackInfo& info) {
  EVP_PKEY* key = key_of(info[0]);
  const MdPtr md = md_of(info[1]);
  const std::uint32_t iterations = count_of(info[2]);
  const MdCtxPtr signer(EVP_MD_CTX_new());
  const MdCtxPtr prepared(EVP_MD_CTX_new());
  const MdCtxPtr copy(EVP_MD_CTX_new());
  std::vector<unsigned char> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t length = signature.size();
  bool ok = EVP_DigestSignInit(signer.get(), nullptr, md.get(), nullptr, key) == 1 &&
            EVP_DigestSign(signer.get(), signature.data(), &length, kData.data(), kUsualSize) == 1 &&
            EVP_DigestVerifyInit(prepared.get(), nullptr, md.get(), nullptr, key) == 1;
  for (std::uint32_t i = 0; ok && i < iterations; ++i) {
    ok = EVP_MD_CTX_copy_ex(copy.get(), prepared.get()) == 1 &&
         EVP_DigestVerify(copy.get(), signature.data(), length, kData.data(), kUsualSize) == 1;
  }
  return done(info.Env(), ok, "EVP_DigestVerify");
}

}  // namespace

void define_signatures(Napi::Env env, Napi::Object exports) {
  exports.Set("digestSign", Napi::Function::New(env, digest_sign));
  exports.Set("pkeySign", Napi::Function::New(env, pkey_sign));
  exports.Set("digestVerify", Napi::Function::New(env, digest_verify));
}

}  // namespace baseline
