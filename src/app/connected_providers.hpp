// The providers that are reached over a network: openai, deepgram.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <parley/providers.hpp>

#include "app/builtin_providers.hpp"

namespace parley::app {

// Whether one of them is asked for.
bool needs_connection(const ProviderChoice& choice) noexcept;

// Registers them. Their connections trust what `assets` has of authorities, and go through the proxies of the environment.
void add_connected_providers(ProviderRegistry& registry, std::shared_ptr<Assets> assets);

// The keys that they take from the environment without the agent file's naming them: no log may show one.
std::vector<std::string> keys_in_environment();

}  // namespace parley::app
