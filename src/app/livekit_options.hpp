// The LiveKit server of `start` and `dev`: what the command line and the environment say of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "worker/livekit_worker.hpp"

namespace parley::app {

struct LiveKitOptions {
  std::string url;
  std::string api_key;
  std::string api_secret;
  std::optional<std::string> agent_name;  // instead of the agent file's
};

void add_livekit_options(CLI::App& command, LiveKitOptions& options);

// nullopt: neither is given. Errc::invalid_argument: which of the three is missing, or what is wrong with the address.
Result<std::optional<livekit::Credentials>> credentials_of(const LiveKitOptions& options);

// Under which jobs are asked for: what was said on the way to this process, else the agent's own name, unless it has none (it
// is then that of every App): it is dispatched to every new room. Empty: so it is.
std::string registered_name(const LiveKitOptions& options, std::string_view own);

// How to register; Errc::invalid_argument: a proxy of the environment is none.
Result<worker::LiveKitConfig> livekit_config(const livekit::Credentials& credentials, const LiveKitOptions& options, std::string_view own_name);

// The command line for the processes that this one starts: without these options, whose values everybody on the machine could
// read there. In `words` the secret is overwritten, as far as it is there.
std::vector<char*> without_livekit(int argc, char** argv);
// The same options as variables of the environment, for a child that is to have them.
void to_environment(const LiveKitOptions& options);
// No child has the secret: a job gets a token for its room.
void hide_secret_from_children();

}  // namespace parley::app
