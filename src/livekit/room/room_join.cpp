// Joining, resuming, and what is dropped when neither holds.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "livekit/room/join_request.hpp"
#include "livekit/room/room_state.hpp"

namespace parley::livekit {

namespace {

using Kind = Trouble::Kind;

constexpr std::size_t kShownAnswer = 200;  // bytes of a server's words in a message

std::unexpected<Setback> setback(Error error, Kind kind, DisconnectReason reason = DisconnectReason::unknown) {
  Trouble trouble{.kind = kind, .reason = reason, .detail = error.message()};
  return std::unexpected(Setback{std::move(error), std::move(trouble)});
}

std::string shown(std::string_view body) {
  std::string words(body.substr(0, kShownAnswer));
  std::erase_if(words, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  return words;
}

// The server's HTTP answer says whether another try can help.
std::unexpected<Setback> not_dialled(const net::WebSocketFailure& failure) {
  if (!failure.answer) {
    const bool hopeless = failure.error.code() == Errc::invalid_argument || failure.error.code() == Errc::refused;
    return setback(failure.error.within("the LiveKit server cannot be reached"),
                   hopeless ? Kind::refused : Kind::signal_lost);
  }
  const int status = failure.answer->head.status;
  const auto words = shown(failure.answer->body);
  const auto said = fmt::format("the LiveKit server answered {}{}{}", status, words.empty() ? "" : ": ", words);
  if (status == 401 || status == 403)
    return setback({Errc::refused, said + " (is the token valid, and not expired?)"}, Kind::refused);
  if (status == 404) return setback({Errc::not_found, said}, Kind::refused);
  if (status == 429 || status >= 500) return setback({Errc::unavailable, said}, Kind::signal_lost);
  return setback({Errc::refused, said}, Kind::refused);
}

Kind kind_of(const proto::LeaveRequest& leave) {
  switch (leave.action()) {
    case proto::LeaveRequest::RESUME: return Kind::leave_resume;
    case proto::LeaveRequest::RECONNECT: return Kind::leave_reconnect;
    default: return Kind::leave_disconnect;
  }
}

bool worth_another_try(const Setback& setback) {
  return setback.trouble.kind != Kind::refused && setback.trouble.kind != Kind::leave_disconnect &&
         setback.error.code() != Errc::protocol && setback.error.code() != Errc::not_found;
}

}  // namespace

Task<Attempt<void>> Room::State::first_join(Deadline deadline) {
  for (int tries = 1;; ++tries) {
    auto joined = co_await join(deadline, false);
    if (joined) co_return joined;
    const bool no_path = joined.error().trouble.kind == Kind::media_lost && link && !link->pc.ice_silence();
    forget_join();
    const bool again = tries < kJoinTries && worth_another_try(joined.error()) && !no_path;
    const auto longest = ReconnectPolicy::kFirstDelay * (std::int64_t{1} << tries);
    const auto delay = Duration(static_cast<std::int64_t>(loop.random().unit() * static_cast<double>(longest.count())));
    if (!again || deadline.left(loop.now()) <= delay) co_return joined;
    logger.warn("the room was not joined, trying again: {}", joined.error().error.message());
    co_await sleep_for(delay);
  }
}

void Room::State::forget_join() {
  drop_signal();
  drop_link();
  trouble.reset();
  roster = Roster();
  subscriptions.clear();
  before_connected.clear();
}

Task<Attempt<LinkPtr>> Room::State::make_link(Deadline deadline) {
  auto made =
      std::make_shared<Link>(loop, engine, rtc::SfuSettings{.connection = settings.connection, .ice_servers = {}});
  if (microphone) {
    auto mid = made->pc.add_sender(microphone->begin());
    if (!mid) co_return setback(mid.error(), Kind::media_lost);
    microphone->attach(std::shared_ptr<rtc::SfuConnection>(made, &made->pc), *mid);
  }
  for (; made->receivers < kReceiversAhead; ++made->receivers) {
    if (auto mid = made->pc.add_receiver(); !mid) co_return setback(mid.error(), Kind::media_lost);
  }
  auto sdp = co_await made->pc.offer(deadline.within(loop.in(kOfferWithin)));
  if (!sdp) co_return setback(sdp.error().within("no offer could be made"), Kind::media_lost);
  made->negotiation.want();
  (void)made->negotiation.offered(std::move(*sdp), loop.now());
  co_return made;
}

// Track and offer go with the request; an offer that makes it too long for a URL is sent after it.
Result<std::string> Room::State::join_url(Link& made) {
  const auto& known = roster.local();
  const bool before = !known.sid.empty();
  auto request =
      make_join_request(before ? known.metadata : settings.metadata, before ? known.attributes : settings.attributes);
  if (microphone) *request.add_add_track_requests() = microphone->add_track_request();
  auto& offer = *request.mutable_publisher_offer();
  offer.set_type("offer");
  offer.set_sdp(made.negotiation.sdp());
  offer.set_id(made.negotiation.last_id());
  auto url = signal_url(settings.url, request);
  if (url || url.error().code() != Errc::overloaded) return url;
  request.clear_publisher_offer();
  made.negotiation.resumed();  // sent again, under a new number, once there is a socket
  url = signal_url(settings.url, request);
  if (!url && url.error().code() == Errc::overloaded) return fail(Errc::invalid_argument, url.error().message());
  return url;
}

Task<Attempt<proto::SignalResponse>> Room::State::dial(std::string url, Deadline deadline) {
  auto dialled = std::make_shared<SignalConnection>(signal_scope);
  const auto open = co_await dialled->dial(sockets, std::move(url), token, deadline);
  if (!open) co_return not_dialled(open.error());
  auto first = co_await dialled->receive(deadline);
  if (!first && first.error().code() == Errc::timeout) {
    co_return setback({Errc::timeout, "the LiveKit server did not answer the request to join"}, Kind::signal_lost);
  }
  if (!first)
    co_return setback(first.error().within("the LiveKit server ended the signal connection"), Kind::signal_lost);
  if (first->has_leave()) {
    const auto reason = to_reason(first->leave().reason());
    co_return setback({Errc::refused, fmt::format("the LiveKit server does not let us in: {}", to_string(reason))},
                      kind_of(first->leave()), reason);
  }
  signal = std::move(dialled);
  co_return std::move(*first);
}

Task<Attempt<void>> Room::State::join(Deadline deadline, bool again) {
  drop_link();
  auto made = co_await make_link(deadline);
  if (!made) co_return std::unexpected(made.error());
  auto next = *made;
  link = next;
  auto url = join_url(*next);
  if (!url) co_return setback(url.error(), Kind::refused);
  const auto first = co_await dial(std::move(*url), deadline);
  if (!first) co_return std::unexpected(first.error());
  if (!first->has_join())
    co_return setback({Errc::protocol, "the server did not begin with a JoinResponse"}, Kind::refused);
  if (auto accepted = accept_join(first->join(), next, again); !accepted) co_return accepted;
  co_return co_await await_ready(next, deadline);
}

Attempt<void> Room::State::accept_join(const proto::JoinResponse& answer, LinkPtr next, bool again) {
  if (answer.subscriber_primary()) {
    const auto& version = answer.server_info().version();
    return setback(
        {Errc::protocol, fmt::format("the LiveKit server is too old ({}): 1.9.2 or later is needed", version)},
        Kind::refused);
  }
  signal->set_pings(answer.ping_interval(), answer.ping_timeout());
  take_ice_servers(answer, *next);
  const auto& known = roster.room().sid;
  if (again && !known.empty() && known != answer.room().sid()) {
    proto::SignalRequest leave;
    leave.mutable_leave()->set_reason(proto::CLIENT_INITIATED);
    leave.mutable_leave()->set_action(proto::LeaveRequest::DISCONNECT);
    (void)signal->send(leave);
    return setback({Errc::closing, "the room was deleted, or the server restarted, while we were away"},
                   Kind::leave_disconnect, DisconnectReason::room_deleted);
  }
  outbox.reset();
  inbox.reset();
  if (again) messages.reset();
  std::erase_if(queued,
                [](const auto& request) { return !request.has_update_metadata(); });  // the rest names what is gone
  fail_requests();
  absorb(roster.joined(answer.room(), answer.participant(), answer.other_participants()));
  std::vector<std::string> sids;
  for (const auto& [sid, subscription] : subscriptions) sids.push_back(sid);
  if (again) tell_subscriptions(true, sids);
  (void)scope.spawn("signal", read_signal(signal));
  (void)scope.spawn("media", serve_media(next));
  (void)scope.spawn("negotiation", negotiate(next));
  return {};
}

// Before the answer: our addresses are gathered then.
void Room::State::take_ice_servers(const proto::JoinResponse& answer, Link& next) {
  std::vector<rtc::IceServer> servers;
  for (const auto& server : answer.ice_servers()) {
    for (const auto& url : server.urls()) {
      if (servers.size() >= kMaxIceServers) break;
      servers.push_back({.url = url, .username = server.username(), .credential = server.credential()});
    }
  }
  next.pc.set_ice_servers(std::move(servers), answer.client_configuration().force_relay() == proto::ENABLED);
}

// Until media flows both ways and data can; a trouble that comes first is why it did not.
Task<Attempt<void>> Room::State::await_ready(LinkPtr next, Deadline deadline) {
  const auto until = deadline.within(loop.in(kConnectWithin));
  while (!next->ready()) {
    if (trouble) {
      auto why = *std::exchange(trouble, std::nullopt);
      const auto code = why.kind == Kind::leave_disconnect ? Errc::refused : Errc::unavailable;
      Error error(code, "the room was not joined: " + why.detail);
      co_return std::unexpected(Setback{std::move(error), std::move(why)});
    }
    if (loop.now() >= until.at()) co_return std::unexpected(not_connected(*next));
    (void)co_await changed.wait(until);
    changed.reset();
  }
  co_return Attempt<void>();
}

Setback Room::State::not_connected(const Link& tried) const {
  const auto heard = tried.pc.ice_silence().has_value();
  std::string words = heard
                          ? "the connection to the LiveKit server stalled: it was reached by UDP, but not agreed with"
                          : fmt::format(
                                "no UDP path to the LiveKit server within {:.0f} s: its UDP ports (rtc.udp_port, or "
                                "rtc.port_range_start to port_range_end) must be reachable from here{}{}; ICE over TCP "
                                "is not supported",
                                to_seconds(kConnectWithin), tried.server_addresses.empty() ? "" : ", tried ",
                                fmt::join(tried.server_addresses, ", "));
  Trouble trouble_now{.kind = Kind::media_lost, .reason = DisconnectReason::unknown, .detail = words};
  return {Error(Errc::unavailable, std::move(words)), std::move(trouble_now)};
}

Task<Attempt<void>> Room::State::resume(Deadline deadline) {
  const auto url = signal_url(settings.url, make_resume_request(roster.local().sid, proto::RR_SIGNAL_DISCONNECTED));
  if (!url) co_return setback(url.error(), Kind::refused);
  const auto first = co_await dial(*url, deadline);
  if (!first) co_return std::unexpected(first.error());
  if (!first->has_reconnect()) {
    co_return setback({Errc::protocol, "the server did not begin with a ReconnectResponse"}, Kind::leave_reconnect);
  }
  data_ready.reset();
  roster.resumed();
  proto::SignalRequest sync;
  *sync.mutable_sync_state() = sync_state();
  (void)signal->send(sync);
  outbox.acknowledged(first->reconnect().last_message_seq());
  if (link)
    link->negotiation.resumed();  // a requirement that was sent meanwhile is lost for good: one fresh offer, always
  (void)scope.spawn("signal", read_signal(signal));
  co_await replay();
  if (link) link->wake.set();
  co_return Attempt<void>();
}

proto::SyncState Room::State::sync_state() {
  proto::SyncState sync;
  const auto describe = [](proto::SessionDescription& description, const char* type, const std::string& sdp) {
    description.set_type(type);
    description.set_sdp(sdp);
  };
  if (link && !link->pc.local_description().empty())
    describe(*sync.mutable_offer(), "offer", link->pc.local_description());
  if (link && !link->pc.remote_description().empty())
    describe(*sync.mutable_answer(), "answer", link->pc.remote_description());
  sync.mutable_subscription()->set_subscribe(true);
  for (const auto& [sid, subscription] : subscriptions) sync.mutable_subscription()->add_track_sids(sid);
  if (microphone && !microphone->sid().empty()) {
    auto& published = *sync.add_publish_tracks();
    published.set_cid(microphone->cid());
    *published.mutable_track() = microphone->info();
  }
  for (const auto* label : {"_reliable", "_lossy"}) {
    auto& channel = *sync.add_data_channels();
    channel.set_label(label);
    channel.set_target(proto::PUBLISHER);
  }
  for (const auto& heard : inbox.states(loop.now())) {
    auto& told = *sync.add_datachannel_receive_states();
    told.set_publisher_sid(heard.participant_sid);
    told.set_last_seq(heard.last_sequence);
  }
  return sync;
}

// What the server has not, in order and before anything new.
Task<void> Room::State::replay() {
  std::vector<std::string> packets;
  for (const auto packet : outbox.replay()) packets.emplace_back(packet);
  const auto until = loop.in(kResumeWithin);
  for (std::size_t next = 0; next < packets.size() && link && !until.passed(loop.now());) {
    const auto sent = link->pc.send_data(rtc::DataKind::reliable, as_bytes(packets[next]));
    if (sent || sent.error().code() != Errc::overloaded) {
      ++next;
    } else {
      co_await sleep_for(kBufferLook);
    }
  }
}

void Room::State::drop_signal() noexcept {
  const auto old = std::exchange(signal, nullptr);
  if (!old) return;
  heard_before = std::max(heard_before, old->last_received());
  old->kill();
}

void Room::State::drop_link() {
  data_ready.reset();
  const auto old = std::exchange(link, nullptr);
  if (!old) return;
  heard_before = std::max(heard_before, old->last_heard);
  if (microphone) {
    microphone->attach(nullptr, {});
    microphone->unpublished();
  }
  for (const auto& track : old->audios.clear()) {
    emit({.type = RoomEvent::Type::track_unsubscribed, .identity = track->identity(), .track_sid = track->sid()});
  }
  old->wake.set();
  leaving.push_back(old);
  if (leaving.size() <= kMaxLeaving && scope.spawn("old connection", dispose(old))) return;
  old->pc.kill();
}

Task<void> Room::State::dispose(LinkPtr old) {
  const auto report = co_await old->pc.close(loop.in(kDisposeWithin));
  if (report.abandoned > 0)
    logger.error("an old connection could not be destroyed: the WebRTC library has not let go of it");
  std::erase(leaving, old);
}

}  // namespace parley::livekit
