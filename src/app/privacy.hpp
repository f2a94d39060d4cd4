// What an App says of privacy, as the parts of a worker understand it: the one place where the two meet.
#pragma once

#include <parley/privacy.hpp>

#include "roles/roles.hpp"

namespace parley::app {

// Errc::invalid_argument: `mirror` is no http:// or https:// URL.
Result<void> apply_privacy(const PrivacyOptions& privacy, roles::WorkerParts& parts);

}  // namespace parley::app
