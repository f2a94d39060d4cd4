// `parley dev` and `parley start`: a worker that answers calls, put together from an App.
#pragma once

#include <string>
#include <vector>

#include <parley/job.hpp>

#include "app/livekit_options.hpp"
#include "roles/roles.hpp"

namespace parley::app {

class Assets;

struct ServeOptions {
  roles::WorkerOptions worker;
  std::string file;                        // an agent file, in place of the program's own agent
  std::string file_copy;                   // said by this program to itself: where its bytes are, as the supervisor read them
  std::string secrets_folder;              // of the files that secret.* names; empty: $PARLEY_SECRETS or /run/secrets
  std::string models;                      // folder of the model files; empty: default_models()
  std::string token;                       // asked of callers; needed beyond loopback
  std::vector<std::string> host_names;     // by which callers may reach it, beside its address
  LiveKitOptions livekit;
  bool browser = true;                     // calls and page over HTTP
  std::string udp_address;                 // where media arrives; empty: the address of --listen
};

void add_serve_options(CLI::App& command, ServeOptions& options);

// $PARLEY_CACHE/models, $XDG_CACHE_HOME/parley/models, ~/.cache/parley/models: where `make setup` puts them.
std::string default_models();

// Adds the providers that Parley brings to the program's own; what it returns is what they load from the disk.
std::shared_ptr<Assets> add_providers(ProviderRegistry& own, const ServeOptions& options);

// The rest of this process's life, in the role that the options give it. Returns the exit code.
int run_serve(int argc, char** argv, ServeOptions options, App app);

}  // namespace parley::app
