// A LiveKit server for the worker of a process test, inside its supervisor: what it is told and asked is kept for the test.
#pragma once

#include <boost/json.hpp>

#include "worker/livekit_jobs.hpp"

namespace parley {

class Rooms final : private worker::JobReports, private net::HttpClient {
 public:
  Rooms(Scope& parent, worker::CallDesk& desk);

  boost::json::object assign(const std::string& job, const boost::json::value& metadata);
  boost::json::object terminate(const std::string& job);
  boost::json::object told() const;

 private:
  void status(const std::string& job_id, livekit::JobStatus status, std::string error) override;
  void load_changed() override {}
  Task<Result<std::unique_ptr<net::ResponseStream>>> open(net::ClientRequest request, Deadline deadline) override;

  boost::json::array statuses_;
  boost::json::array removed_;
  worker::LiveKitJobs jobs_;
};

}  // namespace parley
