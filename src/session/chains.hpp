// The providers of one agent: for each slot a chain, tried in order, and what is known of each provider's health.
#pragma once

#include <memory>
#include <vector>

#include <parley/providers.hpp>

#include "session/retry.hpp"

namespace parley {

template <class Provider>
struct Chain {
  std::vector<std::shared_ptr<Provider>> providers;
  ProviderHealth health;
};

struct Chains {
  std::shared_ptr<Vad> vad;
  std::shared_ptr<Chain<Stt>> stt;
  std::shared_ptr<Chain<Llm>> llm;
  std::shared_ptr<Chain<Tts>> tts;
};

// What `choice` names, and for slots that it leaves empty what `inherited` has. Errc::not_found names what does not exist;
// Errc::invalid_argument: a slot has nothing at all.
Result<Chains> make_chains(const ProviderRegistry& registry, const ProviderEnvironment& environment, const ProviderChoice& choice,
                           const Chains& inherited, const RetryOptions& retry);

}  // namespace parley
