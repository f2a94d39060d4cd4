// The side of a call that is not audio: offering, hanging up, and what the server tells about the call.
//
// Thread: the loop's only.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley::caller {

// One event of GET /call/{id}/events.
struct ServerEvent {
  std::string type;
  boost::json::object data;
};

class CallServer {
 public:
  virtual ~CallServer() = default;

  // The answer to the offer. Errors carry the server's own words.
  virtual Task<Result<std::string>> offer(std::string sdp, Deadline deadline) = 0;
  // The call's id, once the offer was answered.
  virtual std::string call_id() const = 0;
  // The next event; Errc::closing after the last one, Errc::timeout.
  virtual Task<Result<ServerEvent>> next_event(Deadline deadline) = 0;
  virtual Task<Result<void>> hang_up(Deadline deadline) = 0;
};

}  // namespace parley::caller
