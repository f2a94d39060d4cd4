// The System of a real worker: fork and exec, pidfds, /proc.
//
// Thread: the loop's only.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "async/real_loop.hpp"
#include "ipc/socket_rendezvous.hpp"
#include "ipc/state_dir.hpp"
#include "worker/memory_use.hpp"
#include "worker/system.hpp"

namespace parley::worker {

// The descriptor at which a process that the supervisor starts finds its end of the socket to it.
constexpr int kInheritedFd = 3;

struct Commands {
  std::vector<std::string> zygote;     // command lines of this same binary
  std::vector<std::string> inference;  // empty: this worker has none
};

class RealSystem final : public System {
 public:
  // Errc::io: the state directory's socket cannot be made.
  static Result<std::unique_ptr<RealSystem>> open(RealLoop& loop, const ipc::StateDir& dir, Commands commands);

  Result<Zygote> start_zygote() override;
  Result<std::unique_ptr<Process>> start_inference() override;
  Result<JobLink> make_job_link() override;
  Result<std::unique_ptr<Process>> job_process(int pid, std::unique_ptr<ipc::Handle> handle) override;
  Result<std::unique_ptr<Process>> open_process(int pid) override;
  Result<std::vector<FoundJob>> find_jobs() override;
  void remove_mark(const std::string& attempt_id) override;
  ipc::Acceptor& acceptor() override { return *acceptor_; }
  double cpu_pressure() const noexcept override;
  double memory_use() const noexcept override { return worker::memory_use(); }
  void reap_strays() noexcept override;

 private:
  class RealProcess;
  RealSystem(RealLoop& loop, const ipc::StateDir& dir, Commands commands, std::unique_ptr<ipc::SocketAcceptor> acceptor);
  std::unique_ptr<Process> hold(int pid, ipc::Fd pidfd);
  Result<std::pair<std::unique_ptr<Process>, ipc::Fd>> start(const std::vector<std::string>& command);

  RealLoop& loop_;
  const ipc::StateDir& dir_;
  Commands commands_;
  std::unique_ptr<ipc::SocketAcceptor> acceptor_;
  ipc::Fd inference_line_;      // its end tells the inference process of ours
  std::multiset<int> held_;     // processes that are somebody's business
  int stray_ = 0;               // an ended child that was nobody's at the last look
};

}  // namespace parley::worker
