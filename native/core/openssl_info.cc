#include "openssl_info.h"

#include <openssl/crypto.h>
#include <openssl/ocsp.h>
#include <openssl/opensslv.h>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

// Overridden by the test of the load guard.
#ifndef OCSP_EXPECTED_OPENSSL_MAJOR
#define OCSP_EXPECTED_OPENSSL_MAJOR OPENSSL_VERSION_MAJOR
#endif

namespace ocsp {

OpensslInfo openssl_info() {
  OpensslInfo info{OpenSSL_version(OPENSSL_VERSION), OPENSSL_VERSION_TEXT, {}};
#if !defined(_WIN32)
  Dl_info symbol{};
  if (dladdr(reinterpret_cast<void*>(&OCSP_basic_sign), &symbol) != 0 && symbol.dli_fname != nullptr) {
    info.source = symbol.dli_fname;
  }
#endif
  return info;
}

bool openssl_major_matches() { return (OpenSSL_version_num() >> 28) == OCSP_EXPECTED_OPENSSL_MAJOR; }

}  // namespace ocsp
