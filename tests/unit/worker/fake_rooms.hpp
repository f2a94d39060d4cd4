// A LiveKit server, as a supervisor of the simulated world sees it: it is told how jobs go, and is asked over HTTP who is
// there, and to remove participants.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "worker/livekit_jobs.hpp"

namespace parley {

class FakeRooms {
 public:
  struct Status {
    std::string job_id;
    livekit::JobStatus status;
    std::string error;
  };
  struct Removal {
    std::string room;
    std::string identity;
  };

  // The part of a supervisor that knows LiveKit; `jobs` is the latest one's, null once it is gone.
  std::shared_ptr<void> attach(worker::Supervisor& supervisor, Scope& scope);

  worker::LiveKitJobs* jobs = nullptr;
  std::vector<std::string> assigned;
  std::vector<Status> statuses;
  std::vector<Removal> removals;  // asked for, refused ones too
  std::vector<std::string> present;  // in every room
  int looks = 0;                     // at who is there
  int refuse_removals = 0;        // the next ones are answered by 503
  std::size_t load_changes = 0;

 private:
  class Http;
  class Attached;
};

}  // namespace parley
