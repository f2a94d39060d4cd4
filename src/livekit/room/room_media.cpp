// The room's peer connection: packets, data, reports, offers and answers.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "audio/rtp.hpp"
#include "livekit/room/room_state.hpp"

namespace parley::livekit {

namespace {

using Kind = Trouble::Kind;
using Type = RoomEvent::Type;

// RTCIceCandidateInit. All sections are bundled into the first.
proto::SignalRequest trickle(const std::string& candidate) {
  boost::json::object init{{"candidate", candidate}, {"sdpMid", "0"}, {"sdpMLineIndex", 0}};
  proto::SignalRequest request;
  request.mutable_trickle()->set_target(proto::PUBLISHER);
  request.mutable_trickle()->set_candidateinit(boost::json::serialize(init));
  request.mutable_trickle()->set_final(candidate.empty());
  return request;
}

}  // namespace

Task<void> Room::State::serve_media(LinkPtr own) {
  bool was_ready = false;
  auto look_at = loop.now();
  for (;;) {
    const auto event = co_await own->pc.next(Deadline(look_at));
    if (own != link) co_return;
    if (event) media_event(*own, *event);
    if (own->pc.down()) {
      const auto* why =
          own->pc.ice_lost() ? "the network to the server is gone" : "the server closed the media connection";
      co_return note({.kind = Kind::media_lost, .detail = why});
    }
    if (!std::exchange(was_ready, was_ready || own->ready()) && was_ready) changed.set();
    const auto now = loop.now();
    look_at = report(*own, now);
    if (!was_ready || !silent(*own, now)) continue;
    co_return note({.kind = Kind::media_lost,
                    .detail = fmt::format("nothing was heard of the server's media side for {:.0f} s",
                                          to_seconds(kMediaSilence))});
  }
}

void Room::State::media_event(Link& own, const rtc::SfuEvent& event) {
  switch (event.type) {
    case rtc::SfuEvent::Type::state: return;
    case rtc::SfuEvent::Type::candidate: (void)tell(trickle(event.candidate)); return;
    case rtc::SfuEvent::Type::data:
      own.last_heard = std::max(own.last_heard, event.at);
      return data_came(event.kind, event.bytes);
    case rtc::SfuEvent::Type::packet: break;
  }
  own.last_heard = std::max(own.last_heard, event.at);
  bool taken = false;
  if (event.mid.empty()) {  // RTCP: whose it is its blocks say
    if (microphone) microphone->rtcp(event.bytes, event.at);
    for (const auto& [mid, track] : own.audios.by_mid()) (void)track->packet(event.bytes, event.at);
    taken = true;
  } else {
    taken = own.audios.packet(event.mid, event.bytes, event.at);
    if (taken && settings.on_audio_packet) settings.on_audio_packet(event.bytes, event.at);
  }
  ++(taken ? counts.packets_received : counts.packets_dropped);
}

void Room::State::data_came(rtc::DataKind kind, ByteView bytes) {
  const auto packet = as_text(bytes);
  if (kind == rtc::DataKind::reliable) {
    const auto is_new = inbox.accept(packet, loop.now());
    if (!is_new) ++counts.protocol_errors;
    if (!is_new || !*is_new) return;
  }
  auto taken = messages.received(packet);
  if (!taken) {
    if (counts.protocol_errors++ == 0) logger.warn("a data packet was dropped: {}", taken.error().message());
    return;
  }
  if (taken->digit != 0) emit({.type = Type::dtmf, .identity = taken->sender, .digit = taken->digit});
  if (!taken->user) return;
  auto& user = *taken->user;
  emit({.type = Type::data,
        .identity = std::move(user.sender),
        .topic = std::move(user.topic),
        .data = std::move(user.payload)});
}

TimePoint Room::State::report(Link& own, TimePoint now) {
  auto next = now + RtcpSession::kReportInterval;
  if (!own.pc.connected()) return next;
  if (microphone && !microphone->sid().empty()) next = std::min(next, microphone->report(now));
  return std::max(now + kFrameDuration, std::min(next, own.audios.report(own.pc, now)));
}

bool Room::State::silent(Link& own, TimePoint now) {
  if (now - own.last_heard < kMediaSilence) return false;
  if (const auto silence = own.pc.ice_silence()) own.last_heard = std::max(own.last_heard, now - *silence);
  return now - own.last_heard >= kMediaSilence;
}

TimePoint Room::State::last_heard() const noexcept {
  auto at = heard_before;
  if (signal) at = std::max(at, signal->last_received());
  if (!link) return at;
  at = std::max(at, link->last_heard);
  if (const auto silence = link->pc.ice_silence()) at = std::max(at, loop.now() - *silence);
  return at;
}

// Offers as the negotiation wants them, and applies the answers, one after the other.
Task<void> Room::State::negotiate(LinkPtr own) {
  using Act = Negotiation::Act;
  for (;;) {
    const auto look_at = signal ? own->negotiation.look_at(loop.now()) : std::nullopt;
    (void)co_await own->wake.wait(look_at ? Deadline(*look_at) : Deadline::bounded_by_scope());
    own->wake.reset();
    if (own != link) co_return;
    if (own->answer && !co_await apply_answer(own)) co_return;
    if (own != link) co_return;
    if (!signal) continue;  // what is wanted is told after the resume
    const auto act = own->negotiation.poll(loop.now());
    if (act == Act::give_up)
      co_return note(
          {.kind = Kind::negotiation, .detail = "offers lead to nothing: unanswered, or to ever more sections"});
    if (act == Act::wait) continue;
    if (!co_await offer(own, act == Act::repeat)) co_return;
  }
}

// False: the connection is no good any more.
Task<bool> Room::State::offer(LinkPtr own, bool repeat) {
  auto sdp = own->negotiation.sdp();
  if (!repeat) {
    if (own->sending == Link::Sending::stopping) own->sending = Link::Sending::stop_offered;
    auto made = co_await own->pc.offer(loop.in(kOfferWithin));
    if (own != link) co_return false;
    if (!made) {
      note({.kind = Kind::media_lost, .detail = "no offer could be made: " + made.error().message()});
      co_return false;
    }
    sdp = std::move(*made);
  }
  const auto id = own->negotiation.offered(sdp, loop.now());
  ++counts.negotiations;
  proto::SignalRequest request;
  request.mutable_offer()->set_type("offer");
  request.mutable_offer()->set_sdp(std::move(sdp));
  request.mutable_offer()->set_id(id);
  if (signal) (void)signal->send(request);  // without one it is repeated after the resume
  co_return true;
}

Task<bool> Room::State::apply_answer(LinkPtr own) {
  const auto answer = *std::exchange(own->answer, std::nullopt);
  if (!own->negotiation.answered(answer.id())) co_return true;
  const auto accepted = co_await own->pc.accept(answer.sdp(), loop.in(kOfferWithin));
  if (own != link) co_return false;
  if (!accepted) {
    ++counts.protocol_errors;
    note({.kind = Kind::negotiation, .detail = "the server's answer cannot be used: " + accepted.error().message()});
    co_return false;
  }
  tracks_answered(*own, answer);
  if (own->sending == Link::Sending::stop_offered) {
    own->sending = Link::Sending::stopped;
    follow_permission();
  }
  co_return true;
}

Task<Result<void>> Room::State::publish(rtc::DataKind kind, std::string packet, Deadline deadline) {
  constexpr std::size_t kSequenceBytes = 8;  // that the outbox adds
  if (packet.size() + kSequenceBytes > rtc::SfuConnection::kMaxDataBytes) {
    co_return fail(Errc::invalid_argument, fmt::format("a data packet has {} bytes, more than {}", packet.size(),
                                                       rtc::SfuConnection::kMaxDataBytes));
  }
  if (kind == rtc::DataKind::lossy) {
    if (!link) co_return fail(Errc::unavailable, "the room is not connected");
    co_return link->pc.send_data(kind, as_bytes(packet));
  }
  for (;;) {
    if (state == RoomState::idle || state == RoomState::closed)
      co_return fail(Errc::unavailable, "we are not in the room");
    if (auto open = co_await data_ready.wait(deadline); !open)
      co_return fail(Errc::timeout, "the room was not connected in time to send data");
    if (state == RoomState::closed || !link) continue;
    if (link->pc.buffered(kind) + packet.size() <= kMaxReliableBuffered) break;
    if (deadline.passed(loop.now())) co_return fail(Errc::timeout, "the server did not take the data in time");
    co_await sleep_for(kBufferLook);
  }
  (void)link->pc.send_data(
      kind, as_bytes(outbox.add(std::move(packet), loop.now())));  // what does not go is sent after the resume
  co_return Result<void>();
}

}  // namespace parley::livekit
