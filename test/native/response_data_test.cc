// ResponseData and requests of any shape, byte for byte against OpenSSL's: 0 to many entries, extensions everywhere,
// sizes across each form of the length bytes.
#include <openssl/ocsp.h>

#include "check.h"
#include "core/message_writer.h"
#include "fixtures.h"

using namespace ocsp;
using namespace fixtures;

namespace {

Checks check;

const EVP_MD* kDigests[] = {EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512()};

// Years 1 to 9999.
std::int64_t random_time() { return -62135596800 + static_cast<std::int64_t>(below(315537897600)); }

struct Extensions {
  ByteVector der;  // the SEQUENCE OF Extension element
  std::vector<X509_EXTENSION*> list;

  Extensions() = default;
  Extensions(const Extensions&) = delete;
  Extensions& operator=(const Extensions&) = delete;
  ~Extensions() {
    for (X509_EXTENSION* extension : list) X509_EXTENSION_free(extension);
  }
  void add(std::size_t size) {
    ASN1_OBJECT* oid = OBJ_txt2obj(("1.3.6.1.4.1.55555." + std::to_string(below(100000))).c_str(), 1);
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    const ByteVector content = random_bytes(size);
    ASN1_OCTET_STRING_set(value, content.data(), static_cast<int>(size));
    list.push_back(X509_EXTENSION_create_by_OBJ(nullptr, oid, below(2) == 0, value));
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    ByteVector all;
    for (X509_EXTENSION* extension : list) {
      const ByteVector one = encoded(extension, i2d_X509_EXTENSION);
      all.insert(all.end(), one.begin(), one.end());
    }
    DerWriter out(all.size());
    out.element(0x30, all);
    der = out.take();
  }
  void add_some() {
    constexpr std::size_t kSizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    for (std::size_t count = below(4); count != 0; --count) {
      add(below(8) == 0 ? kSizes[below(std::size(kSizes))] : below(40));
    }
  }
};

struct CertId {
  CertIdFields fields;
  ByteVector serial, name_hash, key_hash;
  OCSP_CERTID* theirs;

  CertId() : serial(random_serial(1 + below(100))) {
    fields.hash = static_cast<int>(below(kCertIdHashCount));
    const EVP_MD* md = kDigests[fields.hash];
    name_hash = random_bytes(static_cast<std::size_t>(EVP_MD_get_size(md)));
    key_hash = random_bytes(name_hash.size());
    fields.issuer_name_hash = name_hash;
    fields.issuer_key_hash = key_hash;
    fields.serial = serial;
    X509_NAME* name = X509_NAME_new();
    ASN1_BIT_STRING* key = ASN1_BIT_STRING_new();
    BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
    ASN1_INTEGER* integer = BN_to_ASN1_INTEGER(number, nullptr);
    theirs = OCSP_cert_id_new(md, name, key, integer);
    ASN1_OCTET_STRING *first = nullptr, *second = nullptr;
    OCSP_id_get0_info(&first, nullptr, &second, nullptr, theirs);
    ASN1_OCTET_STRING_set(first, name_hash.data(), static_cast<int>(name_hash.size()));
    ASN1_OCTET_STRING_set(second, key_hash.data(), static_cast<int>(key_hash.size()));
    ASN1_INTEGER_free(integer);
    BN_free(number);
    ASN1_BIT_STRING_free(key);
    X509_NAME_free(name);
  }
  CertId(const CertId&) = delete;
  CertId& operator=(const CertId&) = delete;
  ~CertId() { OCSP_CERTID_free(theirs); }
};

struct Entry {
  CertId id;
  Extensions extensions;
};

void add_status(OCSP_BASICRESP* basic, const Entry& entry, const SingleResponseFields& single) {
  ASN1_TIME* this_update = ASN1_GENERALIZEDTIME_set(nullptr, single.this_update);
  ASN1_TIME* next_update = single.next_update ? ASN1_GENERALIZEDTIME_set(nullptr, *single.next_update) : nullptr;
  ASN1_TIME* revoked = ASN1_GENERALIZEDTIME_set(nullptr, single.revocation_time);
  OCSP_SINGLERESP* added = OCSP_basic_add1_status(basic, entry.id.theirs, single.cert_status, single.revocation_reason,
                                                  revoked, this_update, next_update);
  for (X509_EXTENSION* extension : entry.extensions.list) OCSP_SINGLERESP_add_ext(added, extension, -1);
  ASN1_TIME_free(revoked);
  ASN1_TIME_free(next_update);
  ASN1_TIME_free(this_update);
}

void test_response_data(const Identity& responder, std::size_t count) {
  std::vector<Entry> entries(count);
  const OcspBasicRespPtr basic(OCSP_BASICRESP_new());
  ResponseDataFields fields;
  for (Entry& entry : entries) {
    if (below(2) == 0) entry.extensions.add_some();
    SingleResponseFields single;
    single.cert_id = entry.id.fields;
    single.cert_status = static_cast<int>(below(3));
    single.revocation_time = random_time();
    single.revocation_reason = below(2) == 0 ? -1 : static_cast<int>(below(11));
    single.this_update = random_time();
    if (below(2) == 0) single.next_update = random_time();
    single.extensions = entry.extensions.der;
    add_status(basic.get(), entry, single);
    fields.responses.push_back(single);
  }
  Extensions extensions;
  if (below(2) == 0) extensions.add_some();
  for (X509_EXTENSION* extension : extensions.list) OCSP_BASICRESP_add_ext(basic.get(), extension, -1);
  fields.extensions = extensions.der;

  const bool by_name = below(2) == 0;
  fields.responder_id_tag = by_name ? 1 : 2;
  fields.produced_at = random_time();
  const Bytes bits = responder.certificate->public_key_bits();
  ByteVector hash(20);
  EVP_Digest(bits.data(), bits.size(), hash.data(), nullptr, EVP_sha1(), nullptr);
  fields.responder_id = by_name ? responder.certificate->subject() : Bytes(hash);
  // Signing sets the responder id; with OCSP_NOTIME it leaves producedAt, for which there is no setter.
  auto* produced_at = const_cast<ASN1_GENERALIZEDTIME*>(OCSP_resp_get0_produced_at(basic.get()));
  ASN1_GENERALIZEDTIME_set(produced_at, fields.produced_at);
  OCSP_basic_sign(basic.get(), responder.x509.get(), responder.pkey.get(), nullptr, nullptr,
                  OCSP_NOTIME | (by_name ? 0 : OCSP_RESPID_KEY));
  check(write_response_data(fields) == encoded(OCSP_resp_get0_respdata(basic.get()), i2d_OCSP_RESPDATA),
        "ResponseData with " + std::to_string(count) + " entries equals OpenSSL's");
}

void test_request(std::size_t count) {
  std::vector<Entry> entries(count);
  const OcspRequestPtr request(OCSP_REQUEST_new());
  std::vector<RequestEntryFields> fields;
  for (Entry& entry : entries) {
    if (below(2) == 0) entry.extensions.add_some();
    OCSP_ONEREQ* one = OCSP_request_add0_id(request.get(), OCSP_CERTID_dup(entry.id.theirs));
    for (X509_EXTENSION* extension : entry.extensions.list) OCSP_ONEREQ_add_ext(one, extension, -1);
    fields.push_back({entry.id.fields, entry.extensions.der});
  }
  Extensions extensions;
  if (below(2) == 0) extensions.add_some();
  for (X509_EXTENSION* extension : extensions.list) OCSP_REQUEST_add_ext(request.get(), extension, -1);
  ByteVector requestor;
  if (below(2) == 0) {
    X509_NAME* name = X509_NAME_new();
    const ByteVector text(1 + below(60), 'a');
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text.data(), static_cast<int>(text.size()), -1, 0);
    OCSP_request_set1_name(request.get(), name);
    DerWriter out(100);
    out.element(0xa4, encoded(name, i2d_X509_NAME));  // GeneralName directoryName
    requestor = out.take();
    X509_NAME_free(name);
  }
  check(write_request(fields, requestor, extensions.der) == encoded(request.get(), i2d_OCSP_REQUEST),
        "request with " + std::to_string(count) + " entries equals OpenSSL's");
}

}  // namespace

int main() {
  const Identity responder = make_identity("P-256");
  for (int round = 0; round < 600; ++round) {
    test_response_data(responder, below(5));
    test_request(below(5));
  }
  for (const std::size_t count : {100, 1000}) {
    test_response_data(responder, count);
    test_request(count);
  }
  return check.finish();
}
