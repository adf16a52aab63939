// Which certificates are trusted, and which revocation lists are known: OpenSSL's X509_STORE as a value that does not
// change and that any thread may verify with.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "certificate.h"
#include "verify_ptr.h"

namespace ocsp {

enum SystemTrust : unsigned { kSystemFile = 1, kSystemFolder = 2, kSystemStore = 4 };

struct TrustSources {
  std::vector<std::shared_ptr<const Certificate>> certificates;
  std::vector<ByteVector> crls;  // DER or PEM
  std::string ca_file;           // PEM; certificates, trusted certificates and CRLs
  std::string ca_path;           // a folder with names by hash
  std::string ca_store;          // URI of an OSSL_STORE
  unsigned system_default = 0;   // SystemTrust: where OpenSSL was configured to look
};

// What one verification asks of the path (X509_VERIFY_PARAM).
struct PathParameters {
  std::optional<std::int64_t> time;  // seconds since 1970-01-01; now by default
  unsigned long flags = 0;           // X509_V_FLAG_*
  std::string purpose;               // OpenSSL's short name; empty: what the operation needs
  int depth = -1;
  int security_level = -1;
  std::vector<std::string> policies;  // dotted OIDs
  std::string name;                   // of one of OpenSSL's sets of parameters, such as "smime_sign"
  std::string host;                   // what the signer's certificate has to be for
  std::string email;
  std::string ip;  // its text form
};

Result<VerifyParamPtr> make_parameters(const PathParameters& parameters);

class TrustStore {
 public:
  static Result<std::shared_ptr<TrustStore>> create(TrustSources sources);

  // An X509_STORE for one caller at a time: OpenSSL's functions take the parameters of a verification from the store,
  // so stores with other parameters must be others. Stores that come back are handed out again.
  class Lease {
   public:
    Lease(TrustStore& owner, X509StorePtr store) : owner_(owner), store_(std::move(store)) {}
    ~Lease() { owner_.give_back(std::move(store_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    X509_STORE* get() const { return store_.get(); }

   private:
    TrustStore& owner_;
    X509StorePtr store_;
  };
  Result<std::unique_ptr<Lease>> lease(const PathParameters& parameters);

  // One store that all share, with parameters of its own for each verification (X509_STORE_CTX_get0_param).
  X509_STORE* shared() const { return shared_.get(); }
  bool has_crls() const { return has_crls_; }

 private:
  explicit TrustStore(TrustSources sources) : sources_(std::move(sources)) {}
  Result<X509StorePtr> build() const;
  void give_back(X509StorePtr store);

  TrustSources sources_;
  std::vector<X509CrlPtr> crls_;
  bool has_crls_ = false;
  X509StorePtr shared_;
  std::mutex mutex_;  // guards what follows
  std::vector<X509StorePtr> idle_;
};

}  // namespace ocsp
