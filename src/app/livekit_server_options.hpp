// The LiveKit server of the commands that ask one, from the command line or the environment.
#pragma once

#include "app/livekit_commands.hpp"
#include "livekit/api/access_token.hpp"

namespace parley::app {

void add_server_options(CLI::App& command, ServerOptions& options);

// Errc::invalid_argument names what is missing, and where it is looked for.
Result<livekit::Credentials> key_and_secret(const ServerOptions& options);
Result<livekit::Credentials> whole_server(const ServerOptions& options);

}  // namespace parley::app
