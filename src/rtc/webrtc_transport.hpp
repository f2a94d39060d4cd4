// A call's audio over WebRTC, straight from the caller: no server in between.
//
// A call may have several connections one after the other: a new offer (page reloaded, network changed) makes a new one
// beside the present one, and takes over when it is connected. What is left of the old one is dropped then.
//
// When the caller leaves. A goodbye on the connection (DTLS close_notify) may be a page that is being reloaded, so the
// call is `interrupted` for rejoin_window and then caller_left. A caller who is silent on RTP and RTCP for
// vanished_after, or never connects, has vanished: caller_left with StopCause::caller_vanished.
//
// Thread: the loop's only.
// Bound:  two connections, the present one and the one that is being made; kMaxLeaving old ones whose native objects are
//         still to be destroyed, beyond which new offers are refused.
// Ending: close(deadline) says goodbye on every connection and waits for native disposal; kill() leaves that to helper
//         threads.
#pragma once

#include <memory>
#include <string>

#include <parley/async/scope.hpp>
#include <parley/transport.hpp>

#include "rtc/audio_leg.hpp"

namespace parley::rtc {

struct WebRtcSettings {
  ConnectionSettings connection;
  OpusSettings opus;
  Duration rejoin_window = 3s;
  Duration vanished_after = 10s;
};

class WebRtcTransport final : public Transport {
 public:
  static constexpr std::size_t kMaxLeaving = 8;

  WebRtcTransport(Scope& parent, Engine& engine, WebRtcSettings settings, Logger logger = {});
  ~WebRtcTransport() override;

  // Answers the caller's offer: the first, or one for a new connection. Every candidate is in the answer.
  // Errc::invalid_argument: the offer, and why. Errc::closing: the call is over. Errc::overloaded: too many offers.
  Task<Result<std::string>> answer(std::string offer, Deadline deadline);

  // The other way round, for a caller of our own: an offer, and then its answer.
  Task<Result<std::string>> offer(Deadline deadline);
  Task<Result<void>> accept(std::string answer, Deadline deadline);

  Channel<TransportEvent>& events() override { return events_; }
  std::optional<AudioFrame> receive(TimePoint now) override;
  bool can_deliver() const noexcept override { return current_ && !stopping_ && current_->connection().open(); }
  void send(const AudioFrame& frame, TimePoint now) override;
  TimePoint last_heard() const noexcept override;
  void request_stop(StopReason reason) noexcept override;
  Task<CloseReport> close(Deadline deadline) override;
  void kill() noexcept override;

  // Of the present connection. A caller who never sent audio: no caller_joined, received.jitter.received == 0.
  LegStats stats() const { return current_ ? current_->stats() : LegStats{}; }
  // From the answer (or its acceptance) to the moment at which audio could flow; zero: not yet.
  Duration connect_time() const noexcept { return connect_time_; }

 private:
  using Leg = std::shared_ptr<AudioLeg>;

  Result<Leg> new_leg();
  Result<void> begin(Leg leg);
  Task<void> serve(Leg leg);
  Task<void> leave(Leg leg);
  Task<void> await_rejoin(std::uint64_t epoch);
  Task<CloseReport> close_body(Deadline deadline);

  void opened(const Leg& leg);
  void heard(const Leg& leg);
  void ended(const Leg& leg, StopReason reason);
  void drop(Leg leg);
  void caller_left(StopReason reason);
  void emit(TransportEvent event);
  StopReason why_ended(const AudioLeg& leg) const;

  Loop& loop_;
  Engine& engine_;
  WebRtcSettings settings_;
  Logger logger_;
  Channel<TransportEvent> events_{kMaxEvents};
  Leg current_;   // the one that is, or was last, connected
  Leg pending_;   // the one that is being connected
  std::vector<Leg> leaving_;  // whose native objects are still to be destroyed
  std::uint64_t epoch_ = 0;  // grows with every connection: a rejoin ends the wait for it
  TimePoint last_heard_{};  // on connections that are gone
  TimePoint agreed_at_{};
  Duration connect_time_{};
  bool stopping_ = false;
  bool left_ = false;
  bool caller_joined_ = false;
  bool foreign_told_ = false;
  StopReason left_reason_;
  LocalStream offered_;  // what offer() announced
  CloseOnce close_;
  Scope scope_;  // last: its tasks use everything above
};

}  // namespace parley::rtc
