#include "app/livekit_options.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <parley/job.hpp>

#include "async/real_loop.hpp"
#include "net/net_http_client.hpp"
#include "net/net_websocket.hpp"
#include "net/url.hpp"

namespace parley::app {

namespace {

struct Name {
  std::string_view option;
  const char* variable;
};
constexpr Name kUrl{"--url", "LIVEKIT_URL"};
constexpr Name kKey{"--api-key", "LIVEKIT_API_KEY"};
constexpr Name kSecret{"--api-secret", "LIVEKIT_API_SECRET"};
constexpr Name kAgent{"--agent-name", "LIVEKIT_AGENT_NAME_OVERRIDE"};
constexpr std::array kNames{kUrl, kKey, kSecret, kAgent};

// The option that a word names, alone or with its value behind "=".
const Name* named_by(std::string_view word) {
  const auto it = std::ranges::find_if(kNames, [&](const Name& name) {
    return word.starts_with(name.option) && (word.size() == name.option.size() || word[name.option.size()] == '=');
  });
  return it == kNames.end() ? nullptr : it;
}

Result<void> check_url(const std::string& text) {
  if (const auto url = net::parse_url(text); url && !url->host.empty()) return {};
  return fail(Errc::invalid_argument, fmt::format("LIVEKIT_URL (--url) \"{}\" is no address of a LiveKit server, as wss://example.livekit.cloud", text));
}

}  // namespace

void add_livekit_options(CLI::App& command, LiveKitOptions& options) {
  command.add_option(std::string(kUrl.option), options.url, "The LiveKit server to register with; LIVEKIT_URL")->envname(kUrl.variable)->option_text("WSS://...");
  command.add_option(std::string(kKey.option), options.api_key, "Its API key; LIVEKIT_API_KEY")->envname(kKey.variable)->option_text("KEY");
  command.add_option(std::string(kSecret.option), options.api_secret,
                     "The secret of the key. Better in the environment, as LIVEKIT_API_SECRET:\n"
                     "a command line can be read by others")
      ->envname(kSecret.variable)
      ->option_text("SECRET");
  command.add_option(std::string(kAgent.option), options.agent_name,
                     "Under which name LiveKit dispatches this agent, in place of the agent file's `name`;\n"
                     "LIVEKIT_AGENT_NAME_OVERRIDE. Without any name it is sent to every new room")
      ->envname(kAgent.variable)
      ->option_text("NAME");
}

Result<std::optional<livekit::Credentials>> credentials_of(const LiveKitOptions& options) {
  std::vector<std::string> missing, given;
  const auto look = [&](const std::string& value, const Name& name) {
    (value.empty() ? missing : given).push_back(value.empty() ? fmt::format("{} (or {})", name.variable, name.option) : name.variable);
  };
  look(options.url, kUrl);
  look(options.api_key, kKey);
  look(options.api_secret, kSecret);
  if (given.empty()) return std::nullopt;
  if (!missing.empty()) {
    return fail(Errc::invalid_argument, fmt::format("to register with a LiveKit server, {} {} missing; {} {} given. Without all three callers "
                                                    "come by browser alone",
                                                    fmt::join(missing, " and "), missing.size() == 1 ? "is" : "are", fmt::join(given, " and "),
                                                    given.size() == 1 ? "is" : "are"));
  }
  if (auto good = check_url(options.url); !good) return fail(good.error());
  return livekit::Credentials{options.url, options.api_key, options.api_secret};
}

std::string registered_name(const LiveKitOptions& options, std::string_view own) {
  if (options.agent_name) return *options.agent_name;
  return own == App().name ? std::string() : std::string(own);
}

Result<worker::LiveKitConfig> livekit_config(const livekit::Credentials& credentials, const LiveKitOptions& options, std::string_view own_name) {
  auto proxies = net::ProxyRules::from_environment();
  if (!proxies) return fail(proxies.error());
  const net::HttpClientOptions dial{.proxies = std::move(*proxies)};
  worker::LiveKitConfig config{.registration = {.credentials = credentials, .agent_name = registered_name(options, own_name)}};
  config.agent_name = config.registration.agent_name.empty() ? std::string(own_name) : config.registration.agent_name;
  config.http = [dial](RealLoop& loop, Scope& scope) { return net::make_http_client(loop, scope, dial); };
  config.sockets = [dial](RealLoop& loop, Scope& scope) { return net::make_websocket_client(loop, scope, dial); };
  return config;
}

std::vector<char*> without_livekit(int argc, char** argv) {
  std::vector<char*> words;
  const auto mask = [](char* from) { std::fill_n(from, std::strlen(from), '*'); };
  for (int i = 0; i < argc; ++i) {
    const auto* name = named_by(argv[i]);
    if (!name) {
      words.push_back(argv[i]);
      continue;
    }
    const bool apart = std::strlen(argv[i]) == name->option.size();
    if (apart) ++i;  // its value is the next word
    if (name->option == kSecret.option && i < argc) mask(apart ? argv[i] : argv[i] + name->option.size() + 1);
  }
  return words;
}

void to_environment(const LiveKitOptions& options) {
  const auto set = [](const Name& name, const std::string& value) {
    if (!value.empty()) ::setenv(name.variable, value.c_str(), 1);
  };
  set(kUrl, options.url);
  set(kKey, options.api_key);
  set(kSecret, options.api_secret);
  if (options.agent_name) ::setenv(kAgent.variable, options.agent_name->c_str(), 1);
}

void hide_secret_from_children() { ::unsetenv(kSecret.variable); }

}  // namespace parley::app
