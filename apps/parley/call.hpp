// `parley call`: a caller without a browser. It plays WAVs as turns, waits for the answers, interrupts where it is told to,
// and leaves a stereo recording, the transcript and the timings.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace parley::call_command {

// Exit codes beside 0, "the call went as scripted".
inline constexpr int kExitUsage = 2;       // the command line, or a file that it names
inline constexpr int kExitNoCall = 3;      // refused, or not connected
inline constexpr int kExitDeviation = 4;   // the call was made, and did not go as scripted
inline constexpr int kExitOutput = 5;      // as scripted, but a file could not be written

struct CallOptions {
  std::string url;
  // In the order of the command line: each --say is a turn, --interrupt-at belongs to the one that follows it.
  struct Said {
    std::string wav;
    double interrupt_at_s = -1;  // negative: after the agent has finished
  };
  std::vector<Said> say;
  double pending_interrupt_s = -1;
  std::string out;  // a folder; empty: nothing is written
  double hang_up_after_s = 0;
  double agent_hangs_up_within_s = 0;
  double answer_within_s = 15;
  double pause_s = 1.2;
  double longest_s = 600;
  std::string token_file;
  std::string bind_address;
  bool quiet = false;
};

void add_call_options(CLI::App& command, CallOptions& options);

// Makes the call, tells of it on standard error, and returns the exit code. At SIGINT and SIGTERM it hangs up.
int run_call(const CallOptions& options);

}  // namespace parley::call_command
