// How a caller reaches the agent: from a browser's place (WHIP), or in a LiveKit room.
//
// Thread: the loop's only.
// Bound:  what comes is not kept here, but handed on.
// Ending: hang_up() is what a caller does; drop() and the destructor end the line at once.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <parley/async/scope.hpp>
#include <parley/audio/frame.hpp>

#include "bench/hearing.hpp"
#include "bench/probes.hpp"
#include "bench/site.hpp"
#include "bench/speech.hpp"
#include "net/http_client.hpp"

namespace parley::bench {

// What a line knows of its call: moments, and the process that serves it.
struct LineLog {
  TimePoint posted{};      // the agent is asked for
  TimePoint began{};       // its process, to 10 ms
  TimePoint subscribed{};  // in a room: the agent's track can be heard
  TimePoint connected{};   // audio could flow
  TimePoint hung_up{};     // the agent's side is told
  TimePoint cut{};         // in a room: the signal is lost
  TimePoint resumed{};     // and is there again
  std::shared_ptr<const Exit> exit;
  std::string error;  // empty: none
};

class Line {
 public:
  static constexpr Duration kConnectWithin = 15s;

  // A packet of the agent's; `speaks`: as far as can be told without decoding it.
  using OnAudio = std::function<void(Kept packet, bool speaks)>;

  virtual ~Line() = default;
  // Until audio can flow and the call's process is known.
  virtual Task<Result<void>> connect() = 0;
  virtual bool down() const noexcept = 0;
  // The next 20 ms.
  virtual void send(const SpeechFrame& frame, TimePoint now) = 0;
  // There was none to be sent for 20 ms.
  virtual void skip() = 0;
  // The signal connection is lost, audio is not. Where there is none, nothing happens.
  virtual void cut(TimePoint) {}
  // Returns when the agent's side has been told.
  virtual Task<Result<void>> hang_up() = 0;
  // At once, without a word.
  virtual void drop() noexcept = 0;

  const LineLog& log() const noexcept { return log_; }

 protected:
  // The process whose call has `value` as its `name` in the worker's status.
  Task<Result<void>> find_process(net::HttpClient& client, ExitWatch& exits, std::string worker_url, std::string name,
                                  std::string value, Deadline deadline);

  LineLog log_;
};

}  // namespace parley::bench
