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

// What a provider is made with. It lives as long as its job.
struct ProviderEnvironment {
  Scope& scope;  // for its connections
  Logger logger;
};

// Thread: filled at start-up, before the first call; read only afterwards.
class ProviderRegistry {
 public:
  static constexpr std::size_t kMaxChain = 8;

  // Makes a provider for one job, on the loop's thread, and does not wait. Unknown or wrong options: Errc::invalid_argument
  // with a sentence that names them.
  template <class Provider>
  using Factory = std::function<Result<std::shared_ptr<Provider>>(const ProviderEnvironment&, const boost::json::object& options)>;

  // A name that is there already is replaced.
  void add_vad(std::string name, Factory<Vad> factory) { vad_[std::move(name)] = std::move(factory); }
  void add_stt(std::string name, Factory<Stt> factory) { stt_[std::move(name)] = std::move(factory); }
  void add_llm(std::string name, Factory<Llm> factory) { llm_[std::move(name)] = std::move(factory); }
  void add_tts(std::string name, Factory<Tts> factory) { tts_[std::move(name)] = std::move(factory); }
  // What `other` has and this one has not.
  void add_missing(const ProviderRegistry& other);

  // Errc::not_found names those that exist.
  Result<std::shared_ptr<Vad>> make_vad(const ProviderSpec& spec, const ProviderEnvironment& environment) const;
  Result<std::shared_ptr<Stt>> make_stt(const ProviderSpec& spec, const ProviderEnvironment& environment) const;
  Result<std::shared_ptr<Llm>> make_llm(const ProviderSpec& spec, const ProviderEnvironment& environment) const;
  Result<std::shared_ptr<Tts>> make_tts(const ProviderSpec& spec, const ProviderEnvironment& environment) const;

 private:
  std::map<std::string, Factory<Vad>> vad_;
  std::map<std::string, Factory<Stt>> stt_;
  std::map<std::string, Factory<Llm>> llm_;
  std::map<std::string, Factory<Tts>> tts_;
};

}  // namespace parley
