// Which OpenSSL this code really calls.
#pragma once

#include <string>

namespace ocsp {

struct OpensslInfo {
  std::string version;        // of the library in use, as OpenSSL_version(OPENSSL_VERSION) prints it
  std::string built_against;  // of the headers
  std::string source;         // path of the file that OCSP_basic_sign comes from; empty where that cannot be told
};

OpensslInfo openssl_info();
// Whether the library in use has the major version of the headers; ABI holds within a major.
bool openssl_major_matches();

}  // namespace ocsp
