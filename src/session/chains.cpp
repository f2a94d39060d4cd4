#include "session/chains.hpp"

#include <fmt/format.h>

namespace parley {
namespace {

template <class Provider, class Make>
Result<std::shared_ptr<Chain<Provider>>> make_chain(std::string_view slot, const std::vector<ProviderSpec>& specs,
                                                    const std::shared_ptr<Chain<Provider>>& inherited, const RetryOptions& retry,
                                                    Make make) {
  if (specs.empty()) {
    if (inherited) return inherited;
    return fail(Errc::invalid_argument, fmt::format("the agent has no {} provider: name one", slot));
  }
  if (specs.size() > ProviderRegistry::kMaxChain) {
    return fail(Errc::invalid_argument, fmt::format("{} {} providers in one chain: {} at most", specs.size(), slot, ProviderRegistry::kMaxChain));
  }
  std::vector<std::shared_ptr<Provider>> providers;
  for (const auto& spec : specs) {
    auto made = make(spec);
    if (!made) return fail(std::move(made.error()));
    providers.push_back(std::move(*made));
  }
  const auto size = providers.size();
  return std::make_shared<Chain<Provider>>(std::move(providers), ProviderHealth(size, retry.recover_after));
}

}  // namespace

Result<Chains> make_chains(const ProviderRegistry& registry, const ProviderEnvironment& environment, const ProviderChoice& choice,
                           const Chains& inherited, const RetryOptions& retry) {
  Chains chains = inherited;
  if (!choice.vad.empty()) {
    auto vad = registry.make_vad(choice.vad.front(), environment);
    if (!vad) return fail(std::move(vad.error()));
    chains.vad = std::move(*vad);
  }
  if (!chains.vad) return fail(Errc::invalid_argument, "the agent has no vad provider: name one");
  auto stt = make_chain<Stt>("stt", choice.stt, inherited.stt, retry, [&](const auto& spec) { return registry.make_stt(spec, environment); });
  if (!stt) return fail(std::move(stt.error()));
  auto llm = make_chain<Llm>("llm", choice.llm, inherited.llm, retry, [&](const auto& spec) { return registry.make_llm(spec, environment); });
  if (!llm) return fail(std::move(llm.error()));
  auto tts = make_chain<Tts>("tts", choice.tts, inherited.tts, retry, [&](const auto& spec) { return registry.make_tts(spec, environment); });
  if (!tts) return fail(std::move(tts.error()));
  chains.stt = std::move(*stt);
  chains.llm = std::move(*llm);
  chains.tts = std::move(*tts);
  return chains;
}

}  // namespace parley
