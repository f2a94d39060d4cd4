// An agent file (docs/agent-file.md), read and checked: what a worker does, and for each call whom the caller talks to.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/job.hpp>
#include <parley/providers.hpp>

#include "agent_file/settings.hpp"
#include "agent_file/variables.hpp"
#include "yaml/mistakes.hpp"

namespace parley::agent_file {

// A plain value: copies share what was read, which never changes.
//
// Thread: any.
// Bound:  kMaxBytes of file; what the variables of one call bring into it, kMaxFilled.
class AgentFile {
 public:
  static constexpr std::size_t kMaxBytes = 256 * KiB;
  static constexpr std::size_t kMaxFilled = 1 * MiB;

  // Reads files: this one, secrets, and what providers' options name (dialogues). All mistakes at once.
  static std::expected<AgentFile, yaml::Mistakes> load(const std::string& path, const ProviderRegistry& providers,
                                                       const Environment& environment);
  // `name` stands for the file in messages; relative paths in it count from its folder.
  static std::expected<AgentFile, yaml::Mistakes> parse(std::string_view text, const std::string& name,
                                                        const ProviderRegistry& providers,
                                                        const Environment& environment);

  const WorkerSettings& worker() const noexcept;

  // What the file says for one call. Errc::not_found names every variable that this call does not have, in one sentence; any
  // other error every value that is not as it should be. Then the call is refused.
  Result<CallSettings> for_call(const Call& call) const;
  // With `overrides` (the answer of on_call) over it: a JSON merge patch (RFC 7396) of the file. Texts in it are what they
  // are: variables are not filled in. What is settled for the worker (name, on_call, on_end, privacy.journal,
  // privacy.transcripts) cannot be overridden.
  Result<CallSettings> for_call(const Call& call, const boost::json::object& overrides) const;

  // What it is, for those who look at it: {name, providers: {vad, stt, llm, tts}, tools, agents, on_call, on_end, needs}. The
  // names of tools are those of the first agent; `needs` are the variables that every call must bring.
  boost::json::object summary() const;

  // What no log may show: texts of secret keys (api_key, signing_secret), values of env.* in them, in headers and in
  // addresses, and every value of secret.*.
  const std::vector<std::string>& secrets() const noexcept;
  // The file and those that it names: when one of them changes, it is to be read again.
  const std::vector<std::string>& files() const noexcept;

 private:
  struct Content;
  explicit AgentFile(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  Result<CallSettings> settings_for(const Call& call, const boost::json::object* overrides) const;

  std::shared_ptr<const Content> content_;
};

// An address with the call's variables filled in, percent-encoded in its url; in headers they are as they are, and must not
// break the line. Errors as for_call's.
Result<HttpTarget> fill_in(const HttpTarget& target, const Call& call);
// For the work after the call: `call` is that of the record.
Result<HttpTarget> fill_in(const HttpTarget& target, const boost::json::object& call);

}  // namespace parley::agent_file
