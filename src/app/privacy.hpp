// What an App says of privacy, as the parts of a worker understand it: the one place where the two meet.
#pragma once

#include <parley/privacy.hpp>

#include "app/builtin_providers.hpp"
#include "roles/roles.hpp"

namespace parley::app {

// Errc::invalid_argument: `mirror` is no http:// or https:// URL. A mirror trusts the authorities of `assets`, which are then
// read before the first call.
Result<void> apply_privacy(const PrivacyOptions& privacy, std::shared_ptr<Assets> assets, roles::WorkerParts& parts);

}  // namespace parley::app
