#include "layout.h"

#include <cstddef>
#include <type_traits>

namespace ocsp::binding {

namespace {

// 32-bit numbers only: JavaScript sees one Int32Array.
template <typename T>
constexpr bool kIsNumbers = std::is_standard_layout_v<T>&& std::is_trivially_copyable_v<T> &&
                            alignof(T) == alignof(std::int32_t);
static_assert(kIsNumbers<RequestLayout> && kIsNumbers<RequestEntryLayout>);
static_assert(kIsNumbers<AuthenticatedLayout> && kIsNumbers<SingleResponseLayout>);
static_assert(kIsNumbers<CertificateLayout>);

struct Offset {
  const char* name;
  std::size_t bytes;
};

constexpr Offset kOffsets[] = {
    {"HASH_ALGORITHM", offsetof(CertIdLayout, hash_algorithm)},
    {"ISSUER_NAME_HASH", offsetof(CertIdLayout, issuer_name_hash)},
    {"ISSUER_KEY_HASH", offsetof(CertIdLayout, issuer_key_hash)},
    {"SERIAL", offsetof(CertIdLayout, serial)},
    {"HASH_INDEX", offsetof(CertIdLayout, hash)},
    {"ENTRY_EXTENSIONS", offsetof(RequestEntryLayout, extensions)},
    {"ENTRY_ELEMENT", offsetof(RequestEntryLayout, element)},
    {"REQUEST_TBS", offsetof(RequestLayout, tbs)},
    {"REQUESTOR_NAME", offsetof(RequestLayout, requestor_name)},
    {"REQUEST_EXTENSIONS", offsetof(RequestLayout, extensions)},
    {"REQUEST_SIGNATURE", offsetof(RequestLayout, signature)},
    {"REQUEST_ENTRIES", offsetof(RequestLayout, entries)},
    {"ENTRY_COUNT", offsetof(RequestLayout, entry_count)},
    {"FIRST_ENTRY", offsetof(RequestLayout, first)},
    {"CERT_STATUS", offsetof(SingleResponseLayout, cert_status)},
    {"REVOCATION_REASON", offsetof(SingleResponseLayout, revocation_reason)},
    {"REVOCATION_TIME", offsetof(SingleResponseLayout, revocation_time)},
    {"THIS_UPDATE", offsetof(SingleResponseLayout, this_update)},
    {"NEXT_UPDATE", offsetof(SingleResponseLayout, next_update)},
    {"SINGLE_EXTENSIONS", offsetof(SingleResponseLayout, extensions)},
    {"SINGLE_ELEMENT", offsetof(SingleResponseLayout, element)},
    {"RESPONSE_STATUS", offsetof(ResponseLayout, status)},
    {"RESPONDER_ID_TAG", offsetof(ResponseLayout, responder_id_tag)},
    {"TBS", offsetof(ResponseLayout, tbs)},
    {"SIGNATURE_ALGORITHM", offsetof(ResponseLayout, signature_algorithm)},
    {"SIGNATURE", offsetof(ResponseLayout, signature)},
    {"CERTIFICATES", offsetof(ResponseLayout, certificates)},
    {"RESPONDER_ID", offsetof(ResponseLayout, responder_id)},
    {"PRODUCED_AT", offsetof(ResponseLayout, produced_at)},
    {"RESPONSE_EXTENSIONS", offsetof(ResponseLayout, extensions)},
    {"RESPONSES", offsetof(ResponseLayout, responses)},
    {"RESPONSE_COUNT", offsetof(ResponseLayout, response_count)},
    {"FIRST_SINGLE", offsetof(ResponseLayout, first)},
    {"ENCODINGS", offsetof(ResponseLayout, encodings)},
    {"AUTHENTICATION", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, outcome)},
    {"AUTHORITY", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, authority)},
    {"SIGNER_SOURCE", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, source)},
    {"SIGNER_INDEX", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, index)},
    {"SIGNER_CERTIFICATE", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, certificate)},
    {"REMEMBERED", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, remembered)},
    {"NO_CHECK", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, no_check)},
    {"UNTIL_HIGH", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, until_high)},
    {"UNTIL_LOW", offsetof(AuthenticatedLayout, authentication) + offsetof(Authentication, until_low)},
    {"ISSUED", offsetof(AuthenticatedLayout, issued)},
    {"CERTIFICATE_SERIAL", offsetof(CertificateLayout, serial)},
    {"CERTIFICATE_ISSUER", offsetof(CertificateLayout, issuer)},
    {"CERTIFICATE_SUBJECT", offsetof(CertificateLayout, subject)},
    {"CERTIFICATE_KEY_BITS", offsetof(CertificateLayout, public_key_bits)},
    {"ENTRY_SIZE", sizeof(RequestEntryLayout)},
    {"SINGLE_SIZE", sizeof(SingleResponseLayout)},
    {"REQUEST_SIZE", sizeof(RequestLayout)},
    {"RESPONSE_SIZE", sizeof(ResponseLayout)},
    {"AUTHENTICATED_SIZE", sizeof(AuthenticatedLayout)},
};

}  // namespace

void define_offsets(Napi::Env env, Napi::Object exports) {
  const Napi::Object offsets = Napi::Object::New(env);
  for (const auto& [name, bytes] : kOffsets) {
    const auto index = static_cast<std::uint32_t>(bytes / sizeof(std::int32_t));
    offsets.Set(name, Napi::Number::New(env, index));
  }
  exports.Set("offsets", offsets);
}

}  // namespace ocsp::binding
