#include <parley/providers.hpp>

#include <fmt/format.h>

namespace parley {
namespace {

template <class Provider>
Result<std::shared_ptr<Provider>> make(const std::map<std::string, ProviderRegistry::Factory<Provider>>& factories,
                                       std::string_view slot, const ProviderSpec& spec, const ProviderEnvironment& environment) {
  const auto it = factories.find(spec.provider);
  if (it == factories.end()) {
    std::string names;
    for (const auto& [name, factory] : factories) names += (names.empty() ? "" : ", ") + name;
    return fail(Errc::not_found, fmt::format("there is no {} provider \"{}\"; there is: {}", slot, spec.provider,
                                             names.empty() ? "none" : names));
  }
  auto made = it->second(environment, spec.options);
  if (!made) return fail(made.error().within(fmt::format("{} provider \"{}\"", slot, spec.provider)));
  return made;
}

}  // namespace

Result<std::shared_ptr<Vad>> ProviderRegistry::make_vad(const ProviderSpec& spec, const ProviderEnvironment& environment) const {
  return make(vad_, "vad", spec, environment);
}
Result<std::shared_ptr<Stt>> ProviderRegistry::make_stt(const ProviderSpec& spec, const ProviderEnvironment& environment) const {
  return make(stt_, "stt", spec, environment);
}
Result<std::shared_ptr<Llm>> ProviderRegistry::make_llm(const ProviderSpec& spec, const ProviderEnvironment& environment) const {
  return make(llm_, "llm", spec, environment);
}
Result<std::shared_ptr<Tts>> ProviderRegistry::make_tts(const ProviderSpec& spec, const ProviderEnvironment& environment) const {
  return make(tts_, "tts", spec, environment);
}

void ProviderRegistry::add_missing(const ProviderRegistry& other) {
  vad_.insert(other.vad_.begin(), other.vad_.end());
  stt_.insert(other.stt_.begin(), other.stt_.end());
  llm_.insert(other.llm_.begin(), other.llm_.end());
  tts_.insert(other.tts_.begin(), other.tts_.end());
}

}  // namespace parley
