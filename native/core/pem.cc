#include "pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>

#include "error_queue.h"
#include "openssl_ptr.h"

namespace ocsp {

namespace {

template <typename T>
using OpensslBuffer = std::unique_ptr<T, decltype([](T* pointer) { OPENSSL_free(pointer); })>;

}  // namespace

Result<std::vector<PemBlock>> read_pem(Bytes text) {
  ErrorQueueScope errors;
  std::vector<PemBlock> blocks;
  if (text.empty()) return blocks;
  const BioPtr bio(text.size() <= INT_MAX ? BIO_new_mem_buf(text.data(), static_cast<int>(text.size())) : nullptr);
  if (!bio) return errors.take(ErrorCode::kOpenssl, "the PEM text cannot be read");
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long length = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &length) != 1) {
      const unsigned long last = ERR_peek_last_error();
      const bool is_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
      if (is_end) return blocks;
      return errors.take(ErrorCode::kMalformed, "the PEM text is damaged");
    }
    const OpensslBuffer<char> owned_name(name);
    const OpensslBuffer<char> owned_header(header);
    const OpensslBuffer<unsigned char> owned_data(data);
    blocks.push_back({name, {data, data + length}});
  }
}

}  // namespace ocsp
