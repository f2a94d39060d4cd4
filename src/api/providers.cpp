#include <parley/providers.hpp>

#include <fmt/format.h>

namespace parley {

void or_local(ProviderChoice& choice) {
  if (choice.vad.empty()) choice.vad = {"silero"};
  if (choice.stt.empty()) choice.stt = {"moonshine"};
  if (choice.llm.empty()) choice.llm = {"scripted"};
  if (choice.tts.empty()) choice.tts = {"flite"};
}
namespace {

// All of `mistakes` in one line.
Error as_error(std::string_view slot, const ProviderSpec& spec, const std::vector<OptionMistake>& mistakes) {
  std::string text;
  for (const auto& one : mistakes) {
    text += text.empty() ? "" : "; ";
    if (!one.file.empty())
      text += one.line > 0 ? fmt::format("{}:{}:{}: ", one.file, one.line, one.column) : one.file + ": ";
    text += one.option.empty() || !one.file.empty() ? one.message : fmt::format("{}: {}", one.option, one.message);
  }
  return {Errc::invalid_argument, fmt::format("{} provider \"{}\": {}", slot, spec.provider, text)};
}

boost::json::object with_defaults(const std::vector<Option>& options, boost::json::object values) {
  for (const Option& option : options) {
    if (!option.otherwise.is_null() && !values.contains(option.name)) values[option.name] = option.otherwise;
  }
  return values;
}

}  // namespace

std::string_view to_string(ProviderSlot slot) noexcept {
  switch (slot) {
    case ProviderSlot::vad: return "vad";
    case ProviderSlot::stt: return "stt";
    case ProviderSlot::llm: return "llm";
    case ProviderSlot::tts: return "tts";
  }
  return "?";
}

template <class Provider>
Result<std::shared_ptr<Provider>> ProviderRegistry::make(const Entries<Provider>& entries, ProviderSlot slot,
                                                         const ProviderSpec& spec,
                                                         const ProviderEnvironment& environment) {
  const auto found = entries.find(spec.provider);
  if (found == entries.end()) {
    std::string names;
    for (const auto& [name, entry] : entries) names += (names.empty() ? "" : ", ") + name;
    return fail(Errc::not_found, fmt::format("there is no {} provider \"{}\"; there is: {}", to_string(slot),
                                             spec.provider, names.empty() ? "none" : names));
  }
  const auto& [factory, description] = found->second;
  auto options = spec.options;
  if (description) {
    if (auto mistakes = mistakes_in(description->options, options); !mistakes.empty())
      return fail(as_error(to_string(slot), spec, mistakes));
    options = with_defaults(description->options, std::move(options));
  }
  auto made = factory(environment, options);
  if (!made) return fail(made.error().within(fmt::format("{} provider \"{}\"", to_string(slot), spec.provider)));
  return made;
}

Result<std::shared_ptr<Vad>> ProviderRegistry::make_vad(const ProviderSpec& spec,
                                                        const ProviderEnvironment& environment) const {
  return make(vad_, ProviderSlot::vad, spec, environment);
}
Result<std::shared_ptr<Stt>> ProviderRegistry::make_stt(const ProviderSpec& spec,
                                                        const ProviderEnvironment& environment) const {
  return make(stt_, ProviderSlot::stt, spec, environment);
}
Result<std::shared_ptr<Llm>> ProviderRegistry::make_llm(const ProviderSpec& spec,
                                                        const ProviderEnvironment& environment) const {
  return make(llm_, ProviderSlot::llm, spec, environment);
}
Result<std::shared_ptr<Tts>> ProviderRegistry::make_tts(const ProviderSpec& spec,
                                                        const ProviderEnvironment& environment) const {
  return make(tts_, ProviderSlot::tts, spec, environment);
}

template <class Use>
auto ProviderRegistry::in(ProviderSlot slot, Use use) const {
  switch (slot) {
    case ProviderSlot::vad: return use(vad_);
    case ProviderSlot::stt: return use(stt_);
    case ProviderSlot::llm: return use(llm_);
    case ProviderSlot::tts: break;
  }
  return use(tts_);
}

std::vector<std::string> ProviderRegistry::names(ProviderSlot slot) const {
  return in(slot, [](const auto& entries) {
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries) names.push_back(name);
    return names;
  });
}

const ProviderDescription* ProviderRegistry::description(ProviderSlot slot, const std::string& name) const {
  return in(slot, [&](const auto& entries) -> const ProviderDescription* {
    const auto found = entries.find(name);
    return found == entries.end() || !found->second.description ? nullptr : &*found->second.description;
  });
}

void ProviderRegistry::add_missing(const ProviderRegistry& other) {
  vad_.insert(other.vad_.begin(), other.vad_.end());
  stt_.insert(other.stt_.begin(), other.stt_.end());
  llm_.insert(other.llm_.begin(), other.llm_.end());
  tts_.insert(other.tts_.begin(), other.tts_.end());
}

}  // namespace parley
