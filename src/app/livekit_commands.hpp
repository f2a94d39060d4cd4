// `parley token` and `parley dispatch`: what an operator asks of a LiveKit server from a shell.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <parley/base/time.hpp>

namespace parley::app {

// Exit codes beside 0: 2 a mistake on the command line or in the environment, 3 the server did not do it.
inline constexpr int kExitNotDone = 3;

struct ServerOptions {
  std::string url;
  std::string api_key;
  std::string api_secret;
};

struct TokenOptions {
  ServerOptions server;
  std::string room;
  std::string identity;
  std::string name;
  std::string kind;
  std::vector<std::string> grants;
  std::vector<std::string> forbidden;
  std::vector<std::string> agents;
  std::string agent_metadata;
  std::string metadata;
  std::vector<std::string> attributes;
  std::string valid_for = "6h";
  bool json = false;
};

struct DispatchOptions {
  static constexpr Duration kAnswerWithin = 10s;

  enum class What { none, create, list, remove };

  ServerOptions server;
  What what = What::none;
  std::string room;
  std::string agent_name;
  std::string metadata;
  std::string id;
  bool json = false;
};

void add_token_options(CLI::App& command, TokenOptions& options);
void add_dispatch_options(CLI::App& command, DispatchOptions& options);

// Print what was asked for on `out`, or what is wrong on `err`, and return the exit code.
int run_token(const TokenOptions& options, WallTime now, std::ostream& out, std::ostream& err);
int run_dispatch(const DispatchOptions& options, std::ostream& out, std::ostream& err);

}  // namespace parley::app
