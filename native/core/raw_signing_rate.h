// How fast a key signs with nothing around it: what a run is measured against.
#pragma once

#include "response_signer.h"

namespace ocsp {

// Signatures per second of all threads together, over data of the usual size of a ResponseData.
Result<double> raw_signing_rate(const SignerProfile& profile, std::size_t threads, std::int64_t milliseconds);

}  // namespace ocsp
