// Which certificates are trusted, and which revocation lists are known: OpenSSL's X509_STORE as a value that does not
// change and that any thread may verify with.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "revocation_list.h"

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
    Lease(TrustStore& owner, X509StorePtr store, bool with_lists)
        : owner_(owner), store_(std::move(store)), with_lists_(with_lists) {}
    ~Lease() { owner_.give_back(std::move(store_), with_lists_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    X509_STORE* get() const { return store_.get(); }

   private:
    TrustStore& owner_;
    X509StorePtr store_;
    bool with_lists_;
  };
  Result<std::unique_ptr<Lease>> lease(const PathParameters& parameters);

  // One store that all share, with parameters of its own for each verification (X509_STORE_CTX_get0_param). Revocation
  // lists are in it where OpenSSL is to look at them.
  Result<X509_STORE*> shared(bool with_lists);
  // The lists of a CA, those too that `context`, over the shared store, looks up in folders and the like. nullptr
  // stands for one that cannot be read.
  std::vector<std::shared_ptr<RevocationList>> lists_of(const X509_STORE_CTX* context, const SignerCertificate& issuer);

  // About how many octets it holds, to steer garbage collection; the same at all times.
  std::int64_t memory() const { return memory_; }

 private:
  explicit TrustStore(TrustSources sources) : sources_(std::move(sources)) {}
  std::optional<Error> read_sources();
  std::optional<Error> read_file();
  // Which lists go into a store.
  enum class Lists { kNone, kSound, kAll };
  Result<X509StorePtr> build(Lists lists);
  void give_back(X509StorePtr store, bool with_lists);
  // The form that is kept here of a list that OpenSSL has looked up; guarded by `mutex_`.
  std::shared_ptr<RevocationList> looked_up(X509_CRL* crl);
  // Which of the lists that it has, or looks up, OpenSSL gets to see.
  bool is_sound(X509_CRL* crl);
  static STACK_OF(X509_CRL) * sound_lists(const X509_STORE_CTX* context, const X509_NAME* name);

  TrustSources sources_;
  std::vector<X509Ptr> file_certificates_;
  std::int64_t memory_ = 0;
  std::vector<std::shared_ptr<RevocationList>> lists_;
  X509StorePtr shared_;
  std::once_flag decoded_;
  std::vector<X509CrlPtr> decoded_lists_;  // by OpenSSL, when it is first to look at them
  std::mutex mutex_;                       // guards what follows
  X509StorePtr shared_with_lists_;
  std::vector<X509StorePtr> idle_[2];  // without and with lists
  // What was looked up: OpenSSL keeps its objects, and so does this.
  std::map<X509_CRL*, std::pair<X509CrlPtr, std::shared_ptr<RevocationList>>> looked_up_;
};

// When the first one ends of the revocation lists that OpenSSL, by these flags, may have looked into for a path that it
// found valid: those of the issuers' names that have not ended at that moment. In seconds since 1970-01-01.
std::int64_t end_of_lists(const X509_STORE_CTX* context, unsigned long flags, std::int64_t at);

// How OpenSSL is to tell whether one certificate issued another: as by itself, but an authorityKeyIdentifier that names
// another certificate of the same key is no reason against it (the signature is what counts).
int is_issued_by(X509_STORE_CTX* context, X509* certificate, X509* issuer);

}  // namespace ocsp
