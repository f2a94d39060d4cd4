// An agent file, and calls by it: the file, then, after a line break and a byte 1, the call's metadata, and, after another,
// what on_call answers, both as JSON.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json.hpp>

#include "agent_file/agent_file.hpp"

using namespace parley;

namespace {

namespace json = boost::json;

void expect(bool holds) {
  if (!holds) std::abort();
}

const ProviderRegistry& providers() {
  static const ProviderRegistry registry = [] {
    using Type = Option::Type;
    const auto none = [](const ProviderEnvironment&, const json::object&) { return fail(Errc::refused, "not here"); };
    ProviderRegistry made;
    made.add_vad("silero", none, ProviderDescription{});
    made.add_stt("free", none);
    made.add_stt("moonshine", none, ProviderDescription{});
    made.add_tts("flite", none,
                 ProviderDescription{.options = {{.name = "voice", .otherwise = "slt", .one_of = {"slt", "rms"}}}});
    made.add_llm("scripted", none, ProviderDescription{.options = {{.name = "dialogue", .type = Type::path}}});
    made.add_llm(
        "openai", none,
        ProviderDescription{.options = {{.name = "model", .type = Type::line, .required = true},
                                        {.name = "base_url", .type = Type::uri},
                                        {.name = "api_key", .type = Type::line, .secret = true},
                                        {.name = "temperature", .type = Type::number, .minimum = 0, .maximum = 2},
                                        {.name = "timeout", .type = Type::duration},
                                        {.name = "stop", .type = Type::texts}}});
    return made;
  }();
  return registry;
}

std::string_view next_part(std::string_view& text) {
  const auto end = std::min(text.find("\n\x01"), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 2, text.size()));
  return part;
}

json::object object(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  return !error && value.is_object() ? value.get_object() : json::object();
}

// What holds of every call's settings, whatever the file, the call and the answer say.
void check(const agent_file::CallSettings& settings) {
  expect(!settings.agent.instructions.empty());
  expect(settings.session.turns.endpointing.min <= settings.session.turns.endpointing.max);
  expect(settings.session.vad.activation >= 0 && settings.session.vad.activation <= 1);
  expect(settings.session.providers.llm.size() <= ProviderRegistry::kMaxChain);
  for (const auto& tool : settings.agent.tools) {
    if (const auto* to = std::get_if<agent_file::HandoffSettings>(&tool)) {
      expect(!to->to.empty());
      for (const auto& name : to->to) expect(settings.agents.contains(name));
    }
    if (const auto* to = std::get_if<agent_file::TransferSettings>(&tool)) expect(!to->to.empty());
  }
}

// Work after an accepted call can be done, and goes to the server that the file names.
void check_on_end(const agent_file::WorkerSettings& worker, const Call& call) {
  for (const auto& hook : worker.on_end) {
    const auto* http = std::get_if<agent_file::HttpHookSettings>(&hook);
    if (!http) continue;
    const auto target = agent_file::fill_in(http->http, call);
    expect(target.has_value());
    const auto path = http->http.url.find_first_of("/?#", http->http.url.find("://") + 3);
    const auto variable = http->http.url.find("{{");
    if (variable == std::string::npos || variable > path)
      expect(target->url.starts_with(http->http.url.substr(0, path)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto yaml = next_part(text);
  const auto metadata = next_part(text);
  const agent_file::Environment environment{[](const std::string& name) {
                                              return name == "KEY" ? std::optional<std::string>("{{call.id}}\"\\")
                                                                   : std::nullopt;
                                            },
                                            "/nowhere"};
  const auto file = agent_file::AgentFile::parse(yaml, "f", providers(), environment);
  if (!file) {
    expect(!file.error().empty());
    for (const auto& mistake : file.error().all()) expect(!mistake.message.empty());
    return 0;
  }
  const Call call{.id = "CA_1",
                  .attempt_id = "AJ_1",
                  .metadata = object(metadata),
                  .room = "r",
                  .participant = {.identity = "p", .attributes = {{"sip.phoneNumber", "+1"}}}};
  if (const auto settings = file->for_call(call)) {
    check(*settings);
    check_on_end(file->worker(), call);
  }
  if (const auto settings = file->for_call(call, object(text))) check(*settings);
  if (file->worker().on_call) {
    if (const auto target = agent_file::fill_in(file->worker().on_call->http, call)) expect(!target->url.empty());
  }
  (void)file->summary();
  return 0;
}
