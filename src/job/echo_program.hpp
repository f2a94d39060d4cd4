// The smallest job program: the caller hears their own voice back. It proves processes, transport and audio without a
// session, and is what `parley call` is tried against.
//
// Thread: the loop's only. Bound: one transport; nothing is kept of the audio.
// Ending: when the caller leaves it ends the call; there is nothing to drain.
#pragma once

#include <memory>
#include <string>

#include "job/program.hpp"
#include "rtc/webrtc_transport.hpp"

namespace parley::job {

class EchoProgram final : public JobProgram {
 public:
  EchoProgram(JobContext& context, rtc::WebRtcSettings settings);
  ~EchoProgram() override;

  Task<Result<std::string>> answer(std::string offer, Deadline deadline) override;
  void request_stop(StopReason reason, bool forced) noexcept override;
  Task<CloseReport> close(Deadline drain, Deadline deadline) override;
  Task<CloseReport> dispose(Deadline deadline) override;
  void kill() noexcept override;
  boost::json::object summary() override;

 private:
  Task<void> echo();
  Task<void> watch();

  JobContext& context_;
  rtc::Engine engine_;
  rtc::WebRtcTransport transport_;
  std::uint64_t frames_ = 0;
  Scope scope_;
};

}  // namespace parley::job
