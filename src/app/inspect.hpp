// `parley inspect`: what happened in a call, second by second, from its journal.
#pragma once

#include <string>

namespace parley::app {

struct InspectOptions {
  std::string call;       // CA_..., AJ_... or the beginning of either; empty: the list of calls, newest last
  std::string state_dir;
  bool json = false;
};

// Prints, and returns the exit code: 0, or 2 when there is no such call.
int run_inspect(const InspectOptions& options);

}  // namespace parley::app
