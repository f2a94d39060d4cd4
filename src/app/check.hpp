// `parley check FILE` and `parley schema`: what is wrong with an agent file, and what one may hold.
#pragma once

#include <iosfwd>
#include <string>

#include <parley/providers.hpp>

namespace parley::app {

struct CheckOptions {
  std::string file = "agent.yaml";
  std::string secrets_folder;  // empty: $PARLEY_SECRETS, or /run/secrets
  bool json = false;           // one object, for programs
};

// Prints every mistake to `err`, one a line, or to `out` what the file is; as JSON all of it to `out`. Returns the exit code:
// ok, or usage if there are mistakes. `providers`: all that an agent may name.
int run_check(const CheckOptions& options, const ProviderRegistry& providers, std::ostream& out, std::ostream& err);

// The JSON schema of agent files, for editors: docs/agent.schema.json.
int run_schema(const ProviderRegistry& providers, std::ostream& out);

}  // namespace parley::app
