// `parley init`: process 1 of a container. Its death would kill every call, so it does as little as can be: it starts the
// supervisor, starts it again when it dies, passes signals on, and reaps what is orphaned.
//
// Thread: one; no loop, no Asio.
// Bound:  kMaxRestarts within kWindow, then it gives up; when the supervisor has ended in order, what is left gets
//         kLastGrace and is killed.
#pragma once

#include <string>
#include <vector>

#include <parley/base/log.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::worker {

struct InitConfig {
  static constexpr std::size_t kMaxRestarts = 10;
  static constexpr Duration kWindow = 60s;
  static constexpr Duration kFirstPause = 100ms;
  static constexpr Duration kLongestPause = 5s;
  static constexpr Duration kLastGrace = 5s;

  std::vector<std::string> supervisor;  // its command line, of this same binary
  Logger logger;
};

// Returns the exit code of the process: the supervisor's, or gave_up.
int run_init(const InitConfig& config);

}  // namespace parley::worker
