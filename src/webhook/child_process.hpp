// A program that is run to its end: input from memory, the end of its output kept, and nothing of it left behind.
//
// Its input is a file in memory, so that nothing has to be written while it runs and a program that does not read is no matter.
// It has a process group of its own, no descriptor but the three standard ones, default signals, and dies with the thread that
// started it.
//
// Thread: the loop's only, which may have others beside it.
// Bound:  kMaxTail of its output are kept, the rest is read and dropped; its time is the owner's business.
// Ending: the destructor kills the group and reaps the program, within kReapWithin. A process that left the group by itself
//         (setsid) is out of reach.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <parley/async/scope.hpp>
#include <parley/base/bytes.hpp>

#include "net/socket.hpp"

namespace parley::webhook {

struct ChildCommand {
  std::vector<std::string> words;  // the program, looked for in PATH unless it has a '/', and its arguments
  std::vector<std::pair<std::string, std::string>> environment{};  // beside, and in place of, this process's own
  std::string input{};
};

// How it ended: one of the two.
struct ChildExit {
  std::optional<int> code{};
  std::optional<int> signal{};
};

class ChildProcess {
 public:
  static constexpr std::size_t kMaxTail = 4 * KiB;
  static constexpr Duration kReapWithin = 500ms;  // a killed process that takes longer is left to who adopts it

  // Errc::io: no process can be started.
  static Result<std::unique_ptr<ChildProcess>> start(RealLoop& loop, Scope& parent, const ChildCommand& command);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // To all of its group.
  void signal(int number) const noexcept;
  // Errc::timeout: it has not ended; Errc::not_found: it could not be run, and why. What it leaves behind is killed.
  Task<Result<ChildExit>> wait(Deadline deadline);
  // The end of what it said on standard output and standard error.
  std::string tail() const;

  int pid() const noexcept { return pid_; }

 private:
  ChildProcess(RealLoop& loop, Scope& parent, std::string program, int pid, int pidfd, int output, int trouble);
  static Task<void> collect(ChildProcess& self);
  bool read_some();
  Result<ChildExit> reap();
  bool ended() const noexcept;

  RealLoop& loop_;
  std::string program_;
  int pid_;
  bool reaped_ = false;
  net::Socket pidfd_;
  net::Socket output_;
  net::Socket trouble_;  // has errno in it if the program could not be run
  std::string said_;
  Scope scope_;
};

}  // namespace parley::webhook
