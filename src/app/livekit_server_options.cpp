#include "app/livekit_server_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace parley::app {

namespace {

Result<livekit::Credentials> with(const ServerOptions& options, bool url) {
  std::vector<std::string_view> missing;
  if (url && options.url.empty()) missing.emplace_back("LIVEKIT_URL (or --url)");
  if (options.api_key.empty()) missing.emplace_back("LIVEKIT_API_KEY (or --api-key)");
  if (options.api_secret.empty()) missing.emplace_back("LIVEKIT_API_SECRET (or --api-secret)");
  if (missing.empty()) return livekit::Credentials{options.url, options.api_key, options.api_secret};
  return fail(Errc::invalid_argument, fmt::format("{} {} not set: {} to be those of the LiveKit server", fmt::join(missing, " and "),
                                                  missing.size() == 1 ? "is" : "are", missing.size() == 1 ? "it has" : "they have"));
}

}  // namespace

void add_server_options(CLI::App& command, ServerOptions& options) {
  command.add_option("--url", options.url, "The LiveKit server; LIVEKIT_URL")->envname("LIVEKIT_URL")->option_text("WSS://...");
  command.add_option("--api-key", options.api_key, "Its API key; LIVEKIT_API_KEY")->envname("LIVEKIT_API_KEY")->option_text("KEY");
  command.add_option("--api-secret", options.api_secret,
                     "The secret of the key. Better in the environment, as LIVEKIT_API_SECRET:\n"
                     "a command line can be read by others")
      ->envname("LIVEKIT_API_SECRET")
      ->option_text("SECRET");
}

Result<livekit::Credentials> key_and_secret(const ServerOptions& options) { return with(options, false); }
Result<livekit::Credentials> whole_server(const ServerOptions& options) { return with(options, true); }

}  // namespace parley::app
