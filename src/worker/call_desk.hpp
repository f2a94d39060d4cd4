// The seam between HTTP and the supervisor: what callers and watchers can ask for.
//
// Thread: the loop's only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include <parley/async/channel.hpp>
#include <parley/base/result.hpp>

namespace parley::worker {

struct CallAnswer {
  std::string call_id;
  std::string sdp;
};

// One event of a call, numbered from 1: `id` is the SSE id, so that a watcher can go on where it was cut off.
struct CallEvent {
  std::uint64_t id = 0;
  std::string type;
  std::string data;  // one JSON object
};

// A watcher's place in a call's events. Bounded: one that falls kMaxBehind events behind is cut off and may come back
// with its last id.
class CallWatch {
 public:
  static constexpr std::size_t kMaxBehind = 512;
  virtual ~CallWatch() = default;
  // Errc::closing after the call's last event (the end), Errc::timeout when nothing came (send a comment to keep alive).
  virtual Task<Result<CallEvent>> next(Deadline deadline) = 0;
};

class CallDesk {
 public:
  virtual ~CallDesk() = default;

  // A new call. Errc::overloaded: all slots taken, at once. Errc::invalid_argument: the offer cannot be answered, and why.
  virtual Task<Result<CallAnswer>> offer(std::string sdp, boost::json::object metadata, Deadline deadline) = 0;
  // A new connection of a running call. Errc::not_found.
  virtual Task<Result<CallAnswer>> reoffer(std::string call_id, std::string sdp, Deadline deadline) = 0;
  // The caller hangs up. Errc::not_found. Idempotent for a call that is ending.
  virtual Result<void> hang_up(std::string_view call_id) = 0;
  // Events after `last_id` (0: all that are kept). Errc::not_found, Errc::overloaded (too many watchers).
  virtual Result<std::unique_ptr<CallWatch>> watch(std::string_view call_id, std::uint64_t last_id) = 0;

  virtual bool healthy() const noexcept = 0;
  virtual boost::json::object status() const = 0;  // GET /worker
  virtual std::string metrics() const = 0;         // Prometheus text
};

}  // namespace parley::worker
