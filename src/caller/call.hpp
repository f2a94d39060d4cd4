// A real call made by a script: WebRTC to the agent, WAVs as turns, the agent's answers heard, everything measured.
//
// Many of them can run in one process: benchmarks make hundreds.
//
// Thread: the loop's only.
// Bound:  the script's limits; kMaxEvents server events and kMaxMoments moments are kept, later ones are counted.
// Ending: request_stop() hangs up at the next tick. close(deadline) says goodbye on HTTP and WebRTC; kill() on neither.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include <parley/async/scope.hpp>

#include "audio/wav_file.hpp"
#include "caller/call_server.hpp"
#include "caller/script.hpp"
#include "rtc/webrtc_transport.hpp"

namespace parley::caller {

struct CallSettings {
  rtc::ConnectionSettings connection;
  Duration connect_within = 10s;
  Duration hang_up_within = 2s;
  Duration last_events_within = 2s;  // after hanging up: for what the server has still to tell
};

// Something worth a line of progress, at a time since the call began.
struct Moment {
  Duration at{};
  std::string what;
};

// What the server told, at a time since the call began.
struct ToldEvent {
  Duration at{};
  ServerEvent event;
};

struct CallReport {
  std::string call_id;
  Duration answered{};     // from the request to the answer
  Duration connected{};    // from the answer to the moment at which audio could flow
  Duration lasted{};
  ScriptReport script;
  std::vector<Moment> moments;
  std::vector<ToldEvent> events;
  std::size_t events_dropped = 0;
  rtc::LegStats media;

  bool as_scripted() const noexcept { return script.deviations.empty(); }
};

boost::json::object timings(const CallReport& report);
// "at", "role", "text", and "interrupted" where only a part was heard; nothing for events without words.
std::optional<boost::json::object> spoken_line(const ToldEvent& told);
// What was said by whom, as the server heard and said it.
boost::json::object transcript(const CallReport& report);

class Call {
 public:
  static constexpr std::size_t kMaxEvents = 20'000;
  static constexpr std::size_t kMaxMoments = 5'000;

  Call(Scope& parent, rtc::Engine& engine, CallServer& server, CallSettings settings, Logger logger = {});
  ~Call();

  // Told of each moment as it comes; for progress.
  void on_moment(std::function<void(const Moment&)> told) { told_ = std::move(told); }
  // Left the caller, right the agent, time-aligned. Writing blocks on the disk, briefly: not for benchmarks.
  void record_to(WavWriter recording) { recording_.emplace(std::move(recording)); }

  // Makes the call. Once. An error: there was no call (refused, not connected).
  Task<Result<CallReport>> run(Script script);

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  Task<Result<void>> connect();
  Task<void> play(ScriptRun& run);
  Task<void> watch();
  Task<void> leave();
  Task<CloseReport> close_body(Deadline deadline);
  TimePoint skip_to_now(TimePoint tick);
  void look_at_transport(ScriptRun& run);
  void record(Samples said, Samples heard);
  void tell(std::string what);

  Loop& loop_;
  CallServer& server_;
  CallSettings settings_;
  Logger logger_;
  rtc::WebRtcTransport transport_;
  std::function<void(const Moment&)> told_;
  std::optional<WavWriter> recording_;
  CallReport report_;
  TimePoint began_{};
  bool stopping_ = false;
  bool server_ended_ = false;
  Event watched_;
  CloseOnce close_;
  Scope scope_;
};

}  // namespace parley::caller
