// A simulated worker with a program that does as its call's metadata says, and the law that every run must keep.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "fake_rooms.hpp"
#include "sim/process_os.hpp"

namespace parley {

class ProcessWorld {
 public:
  explicit ProcessWorld(std::uint64_t seed, worker::SupervisorConfig config = {.slots = 4});

  // A supervisor that is ready to serve.
  void start();

  // Offers a call through whichever supervisor there is; what became of it lands in `answers`.
  void offer(boost::json::object metadata = {});
  // Hangs every call up that was answered, through whichever supervisor there is.
  void hang_up_all();
  // Offers until there are as many answered calls; false: they were not.
  bool run_until_answered(std::size_t calls, Duration limit = 30s);

  // A job of a LiveKit server: offered and assigned to whichever supervisor there is, with this metadata of its dispatch. False:
  // it was declined, or nobody is there.
  bool assign(const std::string& job_id, boost::json::object metadata = {});
  worker::LiveKitJobs* livekit() noexcept { return rooms.jobs; }
  // In the order in which the server was told.
  std::vector<livekit::JobStatus> statuses(const std::string& job_id) const;

  // Until nothing is left to do for any call, and no process is left but supervisor, zygote and inference.
  bool run_until_settled(Duration limit = 10min);
  // What must hold then: one terminal record for each call, each hook done, slots free, nothing left.
  void expect_the_law(const std::string& what);
  // Someone restarts a supervisor that died, as init or systemd does.
  void keep_supervised(Duration after = 300ms) { restart_after_ = after; }

  std::string describe() const;

  sim::World world;
  std::map<std::string, int> hook_runs;     // by key
  std::map<std::string, int> hooks_done;
  std::shared_ptr<job::HookRegistry> hooks = std::make_shared<job::HookRegistry>();
  sim::SimOs os;
  std::vector<Result<worker::CallAnswer>> answers;
  std::vector<std::string> calls;  // answered
  FakeRooms rooms;

 private:
  bool settled();
  bool end_told(const std::string& job_id) const;
  void supervise();

  std::optional<Duration> restart_after_;
  std::optional<TimePoint> restart_at_;
};

}  // namespace parley
