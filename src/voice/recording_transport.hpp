// A transport whose two voices are recorded: it stands between the session and the real one, and only listens.
//
// With RecordingConsent::greeting the recording begins when the caller has heard the greeting to its end, as said() learns from
// the session's events; one that was cut off has asked nobody, and there is no recording. The greeting is the first speech of
// the session: nothing else that is said in its place, as after a failure, begins it.
//
// Thread: the loop's only.
// Ending: finish() and close_recording() end the file; close() is the transport's alone, which is its owner's and outlives it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <parley/agent.hpp>
#include <parley/base/log.hpp>
#include <parley/privacy.hpp>
#include <parley/transport.hpp>

#include "voice/recording_file.hpp"

namespace parley::voice {

class RecordingTransport final : public Transport {
 public:
  // What becomes of the recording: recording_started {path, channels}, recording_stopped {path, reason, duration}.
  using Emit = std::function<void(std::string_view type, boost::json::object data)>;

  RecordingTransport(Loop& loop, Transport& transport, RecordingOptions options, const std::optional<Greeting>& greeting, Emit emit, Logger logger);
  ~RecordingTransport() override;

  // An event of the session, as it is emitted.
  void said(std::string_view type, const boost::json::object& data);

  // Transport
  Channel<TransportEvent>& events() override { return transport_.events(); }
  std::optional<AudioFrame> receive(TimePoint now) override;
  bool can_deliver() const noexcept override { return transport_.can_deliver(); }
  void send(const AudioFrame& frame, TimePoint now) override;
  Task<Result<void>> transfer(std::string to, Deadline deadline) override { return transport_.transfer(std::move(to), deadline); }
  Task<Result<void>> send_dtmf(std::string keys, Deadline deadline) override { return transport_.send_dtmf(std::move(keys), deadline); }
  TimePoint last_heard() const noexcept override { return transport_.last_heard(); }
  void request_stop(StopReason reason) noexcept override { transport_.request_stop(std::move(reason)); }
  Task<CloseReport> close(Deadline deadline) override { return transport_.close(deadline); }
  void kill() noexcept override { transport_.kill(); }

  // Nothing is recorded any more, and the thread writes the end of the file.
  void finish() noexcept;
  // Likewise, and waits for it.
  Task<CloseReport> close_recording(Deadline deadline);

 private:
  enum class State { waiting, recording, finishing, over };

  void begin();
  void refuse(std::string_view why);
  void look_for_failure();
  void stop(const std::string& reason);

  Loop& loop_;
  Transport& transport_;
  RecordingOptions options_;
  std::string greeting_;  // what the caller is to have heard; empty: whatever the agent says first
  std::string greeting_speech_;  // its id, once it was created
  Emit emit_;
  Logger logger_;
  State state_ = State::waiting;
  TimePoint tick_;  // the media clock, as it was last seen
  std::unique_ptr<RecordingFile> file_;
  std::optional<RecordingTimeline> timeline_;
};

}  // namespace parley::voice
