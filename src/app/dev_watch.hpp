// `parley dev FILE`: a worker that is started anew when its agent file changes.
//
// This process watches the file and runs the worker as its child. A change that is no good is told, and the worker goes on
// as it was; a good one ends the worker (its calls may finish within `grace`, then they are closed) and starts it anew.
// SIGTERM, SIGINT and SIGHUP are passed on. When the worker ends by itself, so does this process, with its exit code; when
// this process is killed, the worker is told to end by the kernel. Nothing is left behind: what a worker leaves becomes this
// process's child, and ends with it.
//
// Thread: one; no loop.
// Bound:  the worker's end takes kLastPatience beyond the grace, then it is killed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <parley/base/log.hpp>
#include <parley/base/time.hpp>

namespace parley::app {

struct DevWatch {
  static constexpr Duration kQuiet = 150ms;        // after the last of a burst of changes: editors write in steps
  static constexpr Duration kLongestBurst = 2s;
  static constexpr Duration kLastPatience = 30s;   // docs/processes.md: a worker's end
  static constexpr Duration kLeftovers = 5s;       // for what a worker left

  std::vector<std::string> command;  // the worker's command line, of this same binary: words[0] is its name
  // What to watch: asked at the start, and after each good change. Files that are replaced, or not there yet, are watched too.
  std::function<std::vector<std::string>()> files;
  // Whether the files can be used; says what is wrong with them, where people read it. Blocks.
  std::function<bool()> check;
  Duration grace = 2s;
  Logger logger;
};

// The rest of this process's life. Returns its exit code.
int run_dev_watch(const DevWatch& watch);

}  // namespace parley::app
