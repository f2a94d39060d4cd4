// What the supervisor stands on, as a port: real processes (system_real.hpp), or those of the simulated world.
//
// Thread: the loop's only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/job_identity.hpp"
#include "ipc/link.hpp"

namespace parley::worker {

struct ExitStatus {
  std::optional<int> code;    // neither: it is gone, and the kernel no longer says how
  std::optional<int> signal;
};

// One process, held by a descriptor that never comes to mean another. Destroying it leaves the process alone.
class Process {
 public:
  // What the loop's thread got of the processor, and how long it had to wait for it.
  struct Effort {
    Duration ran{};
    Duration waited{};
  };

  virtual ~Process() = default;
  virtual int pid() const noexcept = 0;
  virtual void signal(int number) noexcept = 0;
  // One task at a time.
  virtual Task<Result<ExitStatus>> wait(Deadline deadline) = 0;
  virtual std::optional<Effort> effort() const noexcept = 0;
  // Memory that is this process's alone. Reads a page of text from the kernel: not on every turn.
  virtual std::optional<std::size_t> private_bytes() const noexcept = 0;
};

class System {
 public:
  static constexpr double kHighPressure = 0.6;

  struct Zygote {
    std::unique_ptr<Process> process;
    std::unique_ptr<ipc::Link> link;
  };
  struct JobLink {
    std::unique_ptr<ipc::Link> ours;
    std::unique_ptr<ipc::Handle> theirs;  // goes to the zygote
  };
  struct FoundJob {
    ipc::JobIdentity job;
    std::unique_ptr<Process> process;  // null: it is dead
  };

  virtual ~System() = default;

  virtual Result<Zygote> start_zygote() = 0;
  // Errc::not_found: this worker has no inference process.
  virtual Result<std::unique_ptr<Process>> start_inference() = 0;
  virtual Result<JobLink> make_job_link() = 0;
  // From what the zygote sent beside a job's process id.
  virtual Result<std::unique_ptr<Process>> job_process(int pid, std::unique_ptr<ipc::Handle> handle) = 0;
  // Of a job that dialled in, named by the kernel. Errc::not_found: it has just died.
  virtual Result<std::unique_ptr<Process>> open_process(int pid) = 0;

  // Jobs of earlier supervisors. Blocks: before anything is served.
  virtual Result<std::vector<FoundJob>> find_jobs() = 0;
  virtual void remove_mark(const std::string& attempt_id) = 0;
  virtual ipc::Acceptor& acceptor() = 0;

  // How much of the last ten seconds some task of this machine waited for a processor, 0 to 1.
  virtual double cpu_pressure() const noexcept = 0;
  // Who is late then is not to blame.
  bool crowded() const noexcept { return cpu_pressure() > kHighPressure; }
  // Memory in use of all that this machine, or this container, may have; 0 to 1, the page cache left aside. Reads a few small
  // files: not on every turn.
  virtual double memory_use() const noexcept = 0;
  // Processes that became ours because their parents died. Now and then.
  virtual void reap_strays() noexcept = 0;
};

}  // namespace parley::worker
