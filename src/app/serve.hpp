// `parley dev` and `parley start`: a worker that answers calls, put together from an App.
#pragma once

#include <string>
#include <vector>

#include <parley/job.hpp>

#include "roles/roles.hpp"

namespace parley::app {

struct ServeOptions {
  roles::WorkerOptions worker;
  std::string models;                      // folder of the model files; empty: default_models()
  std::string token;                       // asked of callers; needed beyond loopback
  std::vector<std::string> host_names;     // by which callers may reach it, beside its address
  std::string udp_address;                 // where media arrives; empty: the address of --listen
};

void add_serve_options(CLI::App& command, ServeOptions& options);

// $PARLEY_CACHE/models, $XDG_CACHE_HOME/parley/models, ~/.cache/parley/models: where `make setup` puts them.
std::string default_models();

// The rest of this process's life, in the role that the options give it. Returns the exit code.
int run_serve(int argc, char** argv, ServeOptions options, App app);

}  // namespace parley::app
