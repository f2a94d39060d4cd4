#include "rtc/webrtc_transport.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <parley/base/ids.hpp>

namespace parley::rtc {

namespace {

constexpr Duration kDisposeWithin = 2s;  // of one old connection, while the call goes on

LocalStream make_stream(Random& random) {
  return {.ssrc = static_cast<std::uint32_t>(random() | 1), .cname = make_id(random, "parley", 8)};
}

}  // namespace

WebRtcTransport::WebRtcTransport(Scope& parent, Engine& engine, WebRtcSettings settings, Logger logger)
    : loop_(parent.loop()),
      engine_(engine),
      settings_(std::move(settings)),
      logger_(logger.with(log_field::kComponent, "rtc")),
      close_(parent, "transport"),
      scope_(parent, "transport") {}

WebRtcTransport::~WebRtcTransport() { kill(); }

Result<WebRtcTransport::Leg> WebRtcTransport::new_leg() {
  if (stopping_ || left_) return fail(Errc::closing, "the call is over");
  if (leaving_.size() >= kMaxLeaving) return fail(Errc::overloaded, "too many connections of this call are still being closed");
  return std::make_shared<AudioLeg>(loop_, engine_, settings_.connection);
}

Task<Result<std::string>> WebRtcTransport::answer(std::string offer, Deadline deadline) {
  const auto remote = read_offer(offer);
  if (!remote) co_return fail(remote.error());
  auto leg = new_leg();
  if (!leg) co_return fail(leg.error());
  const auto local = co_await (*leg)->connection().answer(*remote, deadline);
  if (!local) co_return fail(local.error());
  const auto stream = make_stream(loop_.random());
  if (auto agreed = (*leg)->agree(remote->audio, stream, settings_.opus); !agreed) co_return fail(agreed.error());
  if (auto begun = begin(std::move(*leg)); !begun) co_return fail(begun.error());
  co_return write_answer(*remote, *local, stream, loop_.random()());
}

Task<Result<std::string>> WebRtcTransport::offer(Deadline deadline) {
  auto leg = new_leg();
  if (!leg) co_return fail(leg.error());
  const auto local = co_await (*leg)->connection().offer(deadline);
  if (!local) co_return fail(local.error());
  if (stopping_) co_return fail(Errc::closing, "the call is over");
  offered_ = make_stream(loop_.random());
  pending_ = std::move(*leg);
  co_return write_offer(*local, offered_, loop_.random()());
}

Task<Result<void>> WebRtcTransport::accept(std::string answer, Deadline deadline) {
  if (!pending_) co_return fail(Errc::closing, "no offer is waiting for an answer");
  const auto leg = pending_;
  const auto remote = read_answer(answer);
  if (!remote) co_return fail(remote.error());
  if (auto agreed = leg->agree(remote->audio, offered_, settings_.opus); !agreed) co_return agreed;
  if (auto accepted = co_await leg->connection().accept(*remote, deadline); !accepted) co_return accepted;
  co_return begin(leg);
}

Result<void> WebRtcTransport::begin(Leg leg) {
  if (stopping_ || left_) return fail(Errc::closing, "the call is over");
  auto served = scope_.spawn("connection", serve(leg));
  if (!served) return served;
  ++epoch_;
  agreed_at_ = loop_.now();
  auto older = std::exchange(pending_, std::move(leg));
  if (older && older != pending_) drop(std::move(older));
  return {};
}

Task<void> WebRtcTransport::serve(Leg leg) {
  auto& connection = leg->connection();
  for (;;) {
    auto look_at = leg->last_heard() + settings_.vanished_after;
    if (connection.open()) look_at = std::min(look_at, leg->report_due());
    const auto event = co_await connection.next(Deadline(look_at));
    if (leg != current_ && leg != pending_) co_return;
    if (event) leg->packet(*event);
    if (connection.down()) co_return ended(leg, why_ended(*leg));
    if (connection.open()) opened(leg);
    heard(leg);
    const auto now = loop_.now();
    leg->report(now);
    if (now - leg->last_heard() < settings_.vanished_after) continue;
    leg->hear_ice(now);
    if (now - leg->last_heard() < settings_.vanished_after) continue;
    const auto silence = to_seconds(settings_.vanished_after);
    co_return ended(leg, {StopCause::caller_vanished, fmt::format("nothing was heard from the caller for {:.0f} s", silence)});
  }
}

void WebRtcTransport::opened(const Leg& leg) {
  if (leg != pending_) return;
  connect_time_ = loop_.now() - agreed_at_;
  logger_.info("connected in {:.0f} ms", to_ms(connect_time_));
  auto old = std::exchange(current_, std::exchange(pending_, nullptr));
  if (old) drop(std::move(old));
  emit({.type = TransportEvent::Type::connected});
}

void WebRtcTransport::heard(const Leg& leg) {
  if (leg != current_) return;
  if (!caller_joined_ && leg->heard_audio()) {
    caller_joined_ = true;
    emit({.type = TransportEvent::Type::caller_joined});
  } else if (!foreign_told_ && leg->foreign_only()) {
    foreign_told_ = true;
    logger_.warn("the caller sends another codec than Opus, which was agreed: it is not understood");
  }
}

StopReason WebRtcTransport::why_ended(const AudioLeg& leg) const {
  const auto& connection = const_cast<AudioLeg&>(leg).connection();
  if (connection.ice_lost()) return {StopCause::caller_vanished, "the network to the caller is gone"};
  if (current_.get() != &leg) return {StopCause::caller_vanished, "the connection could not be made"};
  return {StopCause::caller_hung_up, "the caller closed the connection"};
}

// `leg` carries no audio any more. The call goes on with another connection if there is one, or comes soon.
void WebRtcTransport::ended(const Leg& leg, StopReason reason) {
  logger_.info("a connection ended: {}", reason.detail);
  if (leg == current_) {
    emit({.type = TransportEvent::Type::interrupted});
    drop(std::exchange(current_, nullptr));
  } else {
    drop(std::exchange(pending_, nullptr));
  }
  if (current_ || pending_) return;
  left_reason_ = std::move(reason);
  const bool may_come_back = left_reason_.cause == StopCause::caller_hung_up && settings_.rejoin_window > Duration::zero();
  if (!may_come_back || !scope_.spawn("await rejoin", await_rejoin(epoch_))) caller_left(left_reason_);
}

Task<void> WebRtcTransport::await_rejoin(std::uint64_t epoch) {
  co_await sleep_for(settings_.rejoin_window);
  if (epoch == epoch_) caller_left(left_reason_);
}

void WebRtcTransport::caller_left(StopReason reason) {
  if (std::exchange(left_, true)) return;
  emit({.type = TransportEvent::Type::caller_left, .reason = std::move(reason)});
}

void WebRtcTransport::emit(TransportEvent event) {
  if (!events_.try_push(std::move(event))) logger_.warn("nobody takes this call's transport events: one was dropped");
}

void WebRtcTransport::drop(Leg leg) {
  last_heard_ = std::max(last_heard_, leg->last_heard());
  leaving_.push_back(leg);
  if (scope_.spawn("old connection", leave(leg))) return;
  leg->connection().kill();
}

Task<void> WebRtcTransport::leave(Leg leg) {
  const auto report = co_await leg->connection().close(loop_.in(kDisposeWithin));
  if (report.abandoned > 0) {
    scope_.note_abandoned("old connection", "libdatachannel has not let go of it");
    logger_.error("an old connection could not be destroyed: libdatachannel has not let go of it");
  } else {
    std::erase(leaving_, leg);
  }
}

std::optional<AudioFrame> WebRtcTransport::receive(TimePoint now) {
  return current_ ? current_->receive(now) : std::nullopt;
}

void WebRtcTransport::send(const AudioFrame& frame, TimePoint now) {
  if (can_deliver()) current_->send(frame, now);
}

TimePoint WebRtcTransport::last_heard() const noexcept {
  auto at = last_heard_;
  for (const auto* leg : {current_.get(), pending_.get()}) {
    if (leg) at = std::max(at, leg->last_heard());
  }
  return at;
}

void WebRtcTransport::request_stop(StopReason reason) noexcept {
  stopping_ = true;
  scope_.request_stop(std::move(reason));
}

Task<CloseReport> WebRtcTransport::close(Deadline deadline) {
  return close_.run(deadline, [this](Deadline d) { return close_body(d); });
}

Task<CloseReport> WebRtcTransport::close_body(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  CloseReport report;
  auto legs = std::exchange(leaving_, {});
  for (auto* own : {&current_, &pending_}) {
    if (auto leg = std::exchange(*own, nullptr)) legs.push_back(std::move(leg));
  }
  for (const auto& leg : legs) {
    leg->connection().kill();  // side by side: every goodbye goes out now
    last_heard_ = std::max(last_heard_, leg->last_heard());
  }
  for (const auto& leg : legs) report.add("transport", co_await leg->connection().close(deadline));
  loop_.counters().abandoned += report.abandoned;
  report.add("transport", co_await scope_.close(deadline));
  events_.close();
  co_return report;
}

void WebRtcTransport::kill() noexcept {
  request_stop({StopCause::owner_closed, {}});
  for (auto* leg : {&current_, &pending_}) {
    if (const auto gone = std::exchange(*leg, nullptr)) gone->connection().kill();
  }
  scope_.kill();
  events_.close();
}

}  // namespace parley::rtc
