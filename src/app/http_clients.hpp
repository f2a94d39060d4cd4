// The HTTP clients of tools, hooks and mirrors: they trust the authorities that are read before the first call, and go through
// the proxies of the environment.
#pragma once

#include <memory>

#include "app/builtin_providers.hpp"
#include "webhook/end_hooks.hpp"

namespace parley::app {

// The error is that of a malformed proxy variable.
Result<webhook::ClientFactory> http_clients(std::shared_ptr<Assets> assets);

}  // namespace parley::app
