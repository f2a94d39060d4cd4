// Providers by name: what an agent asks for, and who can make it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/base/log.hpp>
#include <parley/llm.hpp>
#include <parley/option.hpp>
#include <parley/stt.hpp>
#include <parley/tts.hpp>
#include <parley/vad.hpp>

namespace parley {

// "flite", or {"flite", {{"voice", "slt"}}}.
struct ProviderSpec {
  ProviderSpec(const char* name) : provider(name) {}  // NOLINT: a name is a spec
  ProviderSpec(std::string name, boost::json::object o = {}) : provider(std::move(name)), options(std::move(o)) {}

  std::string provider;
  boost::json::object options;

  bool operator==(const ProviderSpec&) const = default;
};

// More than one: a fallback chain, tried in order; at most ProviderRegistry::kMaxChain. None: what is set further out
// (the session's for an agent, Parley's own for a session).
struct ProviderChoice {
  std::vector<ProviderSpec> vad{};  // the first counts
  std::vector<ProviderSpec> stt{};
  std::vector<ProviderSpec> llm{};
  std::vector<ProviderSpec> tts{};
};

// Fills the slots that are empty with what needs no key and no network: silero, moonshine, scripted, flite.
void or_local(ProviderChoice& choice);

// What a provider is made with. It lives as long as its job.
struct ProviderEnvironment {
  Scope& scope;  // for its connections
  Logger logger;
};

enum class ProviderSlot { vad, stt, llm, tts };
constexpr ProviderSlot kProviderSlots[] = {ProviderSlot::vad, ProviderSlot::stt, ProviderSlot::llm, ProviderSlot::tts};
std::string_view to_string(ProviderSlot slot) noexcept;

// What a provider takes: for the check of agent files before any call, for editors, and before it is made.
struct ProviderDescription {
  std::string help{};  // one sentence
  std::vector<Option> options{};
  // What else is wrong with options that are as described (a key that is nowhere, a file with mistakes). May read files.
  std::function<std::vector<OptionMistake>(const boost::json::object& options)> check{};
};

// Thread: filled at start-up, before the first call; read only afterwards.
class ProviderRegistry {
 public:
  static constexpr std::size_t kMaxChain = 8;

  // Makes a provider for one job, on the loop's thread, and does not wait. With a description, `options` are as it says, and
  // what is absent has its default; without one they are anything, and Errc::invalid_argument names what is wrong with them.
  template <class Provider>
  using Factory = std::function<Result<std::shared_ptr<Provider>>(const ProviderEnvironment&, const boost::json::object& options)>;
  using Description = std::optional<ProviderDescription>;

  // A name that is there already is replaced.
  void add_vad(std::string name, Factory<Vad> factory, Description description = {}) { add(vad_, std::move(name), std::move(factory), std::move(description)); }
  void add_stt(std::string name, Factory<Stt> factory, Description description = {}) { add(stt_, std::move(name), std::move(factory), std::move(description)); }
  void add_llm(std::string name, Factory<Llm> factory, Description description = {}) { add(llm_, std::move(name), std::move(factory), std::move(description)); }
  void add_tts(std::string name, Factory<Tts> factory, Description description = {}) { add(tts_, std::move(name), std::move(factory), std::move(description)); }
  // What `other` has and this one has not.
  void add_missing(const ProviderRegistry& other);

  // In alphabetical order.
  std::vector<std::string> names(ProviderSlot slot) const;
  // Null: there is no such provider, or it says nothing of its options.
  const ProviderDescription* description(ProviderSlot slot, const std::string& name) const;

  // Errc::not_found names those that exist; Errc::invalid_argument all that is wrong with the options.
  Result<std::shared_ptr<Vad>> make_vad(const ProviderSpec& spec, const ProviderEnvironment& environment) const;
  Result<std::shared_ptr<Stt>> make_stt(const ProviderSpec& spec, const ProviderEnvironment& environment) const;
  Result<std::shared_ptr<Llm>> make_llm(const ProviderSpec& spec, const ProviderEnvironment& environment) const;
  Result<std::shared_ptr<Tts>> make_tts(const ProviderSpec& spec, const ProviderEnvironment& environment) const;

 private:
  template <class Provider>
  struct Entry {
    Factory<Provider> factory;
    Description description;
  };
  template <class Provider>
  using Entries = std::map<std::string, Entry<Provider>>;

  template <class Provider>
  static void add(Entries<Provider>& entries, std::string name, Factory<Provider> factory, Description description) {
    entries[std::move(name)] = {std::move(factory), std::move(description)};
  }
  template <class Provider>
  static Result<std::shared_ptr<Provider>> make(const Entries<Provider>& entries, ProviderSlot slot, const ProviderSpec& spec,
                                                const ProviderEnvironment& environment);
  // Calls `use` with the entries of a slot.
  template <class Use>
  auto in(ProviderSlot slot, Use use) const;

  Entries<Vad> vad_;
  Entries<Stt> stt_;
  Entries<Llm> llm_;
  Entries<Tts> tts_;
};

}  // namespace parley
