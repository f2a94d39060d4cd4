// Simulated processes under the real supervisor and job code: each has a loop of its own, they talk over links, share one
// disk, and can be killed, frozen or made to lie at any step.
//
//   World world(7);
//   SimOs os(world, program, hooks);
//   os.start_supervisor();
//   ...
//   os.kill(os.pid_of_job(0), SIGKILL);
//
// Thread: the world's one.
// Bound: the test's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "job/job.hpp"
#include "sim/disk.hpp"
#include "sim/process_link.hpp"
#include "sim/world.hpp"
#include "worker/supervisor.hpp"

namespace parley::sim {

class SimOs;

// What a program or hook of the test may do to its own process.
struct SimSelf {
  SimOs& os;
  int pid;
};
using SimProgram = std::function<std::unique_ptr<job::JobProgram>(job::JobContext&, SimSelf)>;

class SimOs {
 public:
  enum class Kind { supervisor, zygote, inference, job, after_call };

  SimOs(World& world, SimProgram program, std::shared_ptr<const job::HookRegistry> hooks, worker::SupervisorConfig config = {});
  ~SimOs();

  // One at a time; the next one takes over what is there.
  void start_supervisor();
  worker::Supervisor* supervisor() noexcept;
  Scope* supervisor_scope() noexcept;  // for tasks of the test that live with it

  // SIGKILL and SIGTERM are known. A process's end takes effect in a step of its own.
  void signal(int pid, int number);
  // Its loop does not turn any more, until it is thawed or killed.
  void freeze(int pid);
  void thaw(int pid);
  // From now on it had to wait for the processor all the time.
  void starve(int pid);
  // Of all the memory that there is, so much is in use.
  void use_memory(double share) noexcept { memory_use_ = share; }
  // The next packets of that job's are garbage.
  void send_garbage(int job_pid);

  // From now on processes that are started mirror their journals to what this makes.
  using MirrorMaker = std::function<std::unique_ptr<job::JournalMirror>(Loop&, Scope&)>;
  void mirror_with(MirrorMaker make) { mirror_maker_ = std::move(make); }

  // What a supervisor has beside it from the moment at which it serves, as the part that knows LiveKit: it is destroyed first.
  using Attach = std::function<std::shared_ptr<void>(worker::Supervisor&, Scope&)>;
  void attach_to_supervisors(Attach attach) { attach_ = std::move(attach); }

  std::vector<int> alive(Kind kind) const;
  std::size_t processes() const noexcept { return processes_.size(); }
  std::size_t marks() const noexcept { return marks_.size(); }
  std::size_t kills(int signal) const;  // that took effect

  SimDisk& disk() noexcept { return disk_; }
  World& world() noexcept { return world_; }
  static constexpr const char* kCalls = "/state/calls";
  // Records of that type in a call's journal.
  std::size_t count_records(const std::string& call_id, std::string_view type) const;
  bool settled(const std::string& call_id) const;
  // Some call's journal says that it served this job of a LiveKit server.
  bool has_room_call(const std::string& job_id) const;
  std::vector<std::string> calls() const;  // every call that has a journal

 private:
  struct Body;
  struct SupervisorBody;
  struct ZygoteBody;
  struct JobBody;
  struct InferenceBody;
  class SimProcess;
  class SimSystem;
  class SimDialer;
  class SimAcceptor;
  class SimDeadMan;
  struct Entry;

  Entry& add(Kind kind);
  Entry* find(int pid);
  void end(int pid, worker::ExitStatus status);
  void end_now();
  std::unique_ptr<job::JournalMirror> make_mirror(Loop& loop, Scope& scope) const {
    return mirror_maker_ ? mirror_maker_(loop, scope) : nullptr;
  }
  int start_job(const ipc::Spawn& spawn, std::unique_ptr<SimLink> link);

  World& world_;
  MirrorMaker mirror_maker_;
  Attach attach_;
  SimLoop& kernel_;
  SimDisk disk_;
  SimProgram program_;
  std::shared_ptr<const job::HookRegistry> hooks_;
  worker::SupervisorConfig config_;
  int next_pid_ = 100;
  double memory_use_ = 0;
  std::map<int, std::unique_ptr<Entry>> processes_;
  std::map<int, worker::ExitStatus> dying_;
  struct Ended;
  std::map<int, std::shared_ptr<Ended>> watched_;  // how each process ended, for those who hold it
  std::map<std::string, ipc::JobIdentity> marks_;
  std::deque<std::pair<std::unique_ptr<SimLink>, int>> callers_;  // dialled, not accepted yet
  Event caller_came_;
  bool listening_ = false;
  std::map<int, std::size_t> kills_;
  std::unique_ptr<Runnable> reaper_;
};

}  // namespace parley::sim
